import pytest

# So that a failed assertion in them shows its two sides, as one in a test does.
pytest.register_assert_rewrite(*(f"{__name__}.{module}" for module in ("redis_state", "invariants", "table")))
