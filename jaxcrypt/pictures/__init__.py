"""Files and folders of pictures, to arrays and back."""
