"""Images spread over files."""

import numpy as np

from cryosense.data.images import Images, open_image_file


def test_reads_from_several_files_in_the_order_asked(write_stack, noise) -> None:
    one, two = noise(0, 3, 6, 6), noise(1, 2, 6, 6)
    files = (open_image_file(write_stack("one.mrcs", one, 1.0)), open_image_file(write_stack("two.mrcs", two, 2.0)))
    images = Images(files, np.array([1, 0, 0, 1]), np.array([1, 2, 0, 0]))
    np.testing.assert_array_equal(images.read(np.array([3, 1, 0, 1]))[:, 0], np.stack([two[0], one[2], two[1], one[2]]))
    assert images.header_pixel_sizes() == {files[0].path: 1.0, files[1].path: 2.0}
    assert images.select(np.array([1, 2])).header_pixel_sizes() == {files[0].path: 1.0}
