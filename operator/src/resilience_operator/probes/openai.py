"""OpenAI-compatible APIs: a list of the models, or one token of a completion.

A completion is the better test and costs money, so it has a daily budget; once that is spent the
models are listed instead. The budget is counted here and starts anew with the operator.
"""

import json
from dataclasses import replace

from resilience_operator.api.v1alpha1.policy_status import FailureReason as Reason
from resilience_operator.api.v1alpha1.probes import OpenAIMode, OpenAIProbe
from resilience_operator.probes.base import Exchange, SecretValues, Unhealthy, Unknowable
from resilience_operator.probes.http_client import Answer, Request, parse_url
from resilience_operator.probes.secrets import secret_text
from resilience_operator.probes.statuses import raise_for
from resilience_operator.probes.tls import TlsMaterial
from resilience_operator.probes.toolkit import Toolkit

# Aggregators list thousands of models.
LIST_LIMIT = 2 * 1024 * 1024
COMPLETION_LIMIT = 64 * 1024
DAY_SECONDS = 86_400


def build(spec: OpenAIProbe, kit: Toolkit) -> "OpenAI":
    """Make the probe."""
    return OpenAI(spec, kit)


class OpenAI:
    """Remembers the day's completions, and which of two parameters the server knows."""

    def __init__(self, spec: OpenAIProbe, kit: Toolkit) -> None:
        self._spec = spec
        self._kit = kit
        self.secret_names = (spec.api_key_secret_ref.name,)
        self._day = 0
        self._spent = 0
        self._limit_parameter = "max_tokens"

    async def prepare(self, secrets: SecretValues, timeout_seconds: float) -> Exchange:
        """Make the request but for its last path segment."""
        base = parse_url(self._spec.base_url)
        request = Request(
            method="GET",
            url=base,
            headers={
                "Authorization": f"Bearer {secret_text(secrets, self._spec.api_key_secret_ref)}"
            },
            tls=await self._kit.tls.get(TlsMaterial()) if base.scheme == "https" else None,
        )
        if self._spec.mode is OpenAIMode.COMPLETION and self._spec.model is None:
            raise Unknowable(Reason.CONFIG_INVALID, "Completion needs the name of a model.")

        async def ask() -> str:
            if self._spec.mode is OpenAIMode.COMPLETION and self._may_complete():
                return await self._complete(request)
            return await self._list_models(request)

        return ask

    async def aclose(self) -> None:
        """Nothing is kept."""

    def _may_complete(self) -> bool:
        """Whether the day's budget has one left; takes it."""
        day = int(self._kit.now() // DAY_SECONDS)
        if day != self._day:
            self._day, self._spent = day, 0
        if self._spent >= self._spec.max_completions_per_day:
            return False
        self._spent += 1
        return True

    async def _list_models(self, request: Request) -> str:
        answer = await self._kit.http.fetch(
            replace(request, url=request.url / "models", body_limit=LIST_LIMIT)
        )
        if answer.status != 200:
            self._raise_for(answer)
        models = _parse(answer).get("data")
        if not isinstance(models, list):
            raise Unhealthy(Reason.BAD_BODY, "The answer is not a list of models.")
        names = [model.get("id") for model in models if isinstance(model, dict)]
        if self._spec.model is not None and self._spec.model not in names:
            raise Unhealthy(Reason.NOT_FOUND, "The model is not among those that are listed.")
        return f"{len(models)} models are listed."

    async def _complete(self, request: Request) -> str:
        answer = await self._post_completion(request)
        if answer.status == 400 and _error_code(answer) == "unsupported_parameter":
            # Newer models know the limit by its other name only; either name is remembered.
            self._limit_parameter = _OTHER_LIMIT[self._limit_parameter]
            answer = await self._post_completion(request)
        if answer.status != 200:
            self._raise_for(answer)
        if not isinstance(_parse(answer).get("choices"), list):
            raise Unhealthy(Reason.BAD_BODY, "The answer is not a completion.")
        return "The model completed."

    async def _post_completion(self, request: Request) -> Answer:
        body = {
            "model": self._spec.model,
            "messages": [{"role": "user", "content": "ping"}],
            self._limit_parameter: 1,
        }
        return await self._kit.http.fetch(
            replace(
                request,
                method="POST",
                url=request.url / "chat" / "completions",
                headers={**request.headers, "Content-Type": "application/json"},
                body=json.dumps(body).encode(),
                body_limit=COMPLETION_LIMIT,
            )
        )

    def _raise_for(self, answer: Answer) -> None:
        if answer.status == 404:
            raise Unhealthy(Reason.NOT_FOUND, "HTTP 404: there is no such API or model.")
        if answer.status == 429 and _error_code(answer) == "insufficient_quota":
            raise Unhealthy(Reason.RATE_LIMITED, "HTTP 429: the account's quota is used up.")
        raise_for(answer)


_OTHER_LIMIT = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}


def _parse(answer: Answer) -> dict[str, object]:
    if answer.truncated:
        raise Unhealthy(Reason.BAD_BODY, "The answer is longer than any of its kind.")
    try:
        document = json.loads(answer.body)
    except (ValueError, RecursionError):
        raise Unhealthy(Reason.BAD_BODY, "The answer is not JSON.") from None
    if not isinstance(document, dict):
        raise Unhealthy(Reason.BAD_BODY, "The answer is not a JSON object.")
    return document


def _error_code(answer: Answer) -> object:
    """The machine-readable code of an error answer, when it has one."""
    try:
        error = _parse(answer).get("error")
    except Unhealthy:
        return None
    return error.get("code") if isinstance(error, dict) else None
