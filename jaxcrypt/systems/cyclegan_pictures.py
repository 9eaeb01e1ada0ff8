class Pictures:
    def __init__(self, nets):
        pass
