"""The DCGAN: pictures encrypted as generated faces."""
