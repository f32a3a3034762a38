def test_random():
    pass
