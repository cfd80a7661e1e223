"""The rate limit as a whole: `python -m tests.rate_limiter` measures it on real processes and prints
figures."""

import pytest

pytest.register_assert_rewrite(f"{__name__}.figures", f"{__name__}.virtual")
