def test_fixed():
    pass
