"""What the kiosk says to a request: how the service is done, what will be asked, or a question back. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from flows.dialogue import wording
from flows.dialogue.drafts import Field
from flows.models import ServiceItem

_MOST_NAMED = 4
_BRING = "带"


def service_flow(service: ServiceItem, to_ask: Sequence[Field]) -> str:
    """The service's guidance, what to bring where the guidance does not say it, and what is still to be asked."""
    sentences = [service.guidance.strip()]
    if service.materials and _BRING not in service.guidance:
        sentences.append(f"需要带的材料有：{'；'.join(service.materials)}。")
    return "".join([*sentences, _announcement(to_ask)])


def question_back(names: Sequence[str]) -> str:
    """Asks which of these services is meant; with none, for more words."""
    if not names:
        return "请您再说具体一点，您要办什么业务？比如“我要办身份证”。"
    *others, last = (f"“{name}”" for name in names)
    if not others:
        return f"请问您是想办{last}吗？是的话请说“是的”，不是的话请再说具体一点。"
    return f"请问您是想办{'、'.join(others)}，还是{last}？"


NOT_OFFERED = "不好意思，这件事在这里办不了。如果您要办其他业务，请直接说，比如“我要办身份证”；也可以到咨询台问工作人员。"


def _announcement(to_ask: Sequence[Field]) -> str:
    if not to_ask:
        return "您的信息已经齐全，不用再填写了。"
    if len(to_ask) > _MOST_NAMED:
        return f"接下来有{len(to_ask)}个问题要问您。"
    return f"接下来还要问您：{'、'.join(wording.asking(field).label for field in to_ask)}。"
