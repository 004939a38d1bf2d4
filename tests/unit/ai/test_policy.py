import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_runt.ai.policy import DEFAULT_POLICY, VERDICTS, Policy
from jupyter_runt.tools import EFFECTS

policies = st.dictionaries(st.sampled_from(EFFECTS), st.sampled_from(VERDICTS)).map(Policy.of)
effects = st.sampled_from(EFFECTS)


def test_reading_and_editing_are_allowed_by_default_and_the_rest_is_asked_about() -> None:
    assert dict(Policy.of({}).verdicts) == dict(DEFAULT_POLICY)
    allowed = [effect for effect, verdict in DEFAULT_POLICY.items() if verdict == "allow"]
    assert allowed == ["read", "edit"]
    assert set(DEFAULT_POLICY) == set(EFFECTS)
    assert "deny" not in DEFAULT_POLICY.values()


@pytest.mark.rule("AG2")
@given(policies, st.booleans(), st.booleans())
def test_a_tool_that_nobody_knows_is_denied(policy: Policy, granted: bool, tainted: bool) -> None:
    assert policy.judge(None, granted=granted, tainted=tainted) == "deny"


@pytest.mark.rule("AG2")
@given(policies, effects, st.booleans(), st.booleans())
def test_nothing_that_was_said_changes_what_is_denied_or_allowed_by_configuration(
    policy: Policy, effect: str, granted: bool, tainted: bool
) -> None:
    configured = policy.verdicts[effect]  # type: ignore[index]
    verdict = policy.judge(effect, granted=granted, tainted=tainted)  # type: ignore[arg-type]
    assert verdict == configured or (configured, verdict) == ("ask", "allow")


@pytest.mark.rule("AG3")
@given(policies, effects, st.booleans())
def test_a_tainted_turn_has_nothing_of_what_was_granted(
    policy: Policy, effect: str, granted: bool
) -> None:
    tainted = policy.judge(effect, granted=granted, tainted=True)  # type: ignore[arg-type]
    assert tainted == policy.judge(effect, granted=False, tainted=False)  # type: ignore[arg-type]


@pytest.mark.rule("AG2")
@given(policies, effects)
def test_who_said_always_is_not_asked_again(policy: Policy, effect: str) -> None:
    verdict = policy.judge(effect, granted=True, tainted=False)  # type: ignore[arg-type]
    assert verdict != "ask"


@pytest.mark.parametrize("configured", [{"reads": "allow"}, {"read": "yes"}, {"": ""}])
def test_a_configuration_with_a_typing_error_is_refused(configured: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="is none of"):
        Policy.of(configured)
