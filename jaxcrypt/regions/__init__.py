"""Regions of interest: what of a photo is to be encrypted, given by hand or found by a net.

Pictures and masks in, masks and pictures out; nothing is printed, and no cipher is known here.
"""

HELP = "faces, yolo[:CLASS,…], X,Y,WIDTHxHEIGHT, a mask's file, MODULE:FUNCTION or none"  # what --roi takes
CONFIDENCE = 0.25  # of things that yolo finds, at least
