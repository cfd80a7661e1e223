"""The routes of the page. Every form works without JavaScript: it posts, and the answer redirects."""

from __future__ import annotations

import logging
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from ... import log
from ..access import Access
from ..problem import Problem
from ..queues import Queues
from ..sessions import Sessions
from ..streams import Streams
from ..tokens import find_token
from .actions import (
    MOST,
    Change,
    DeadLetters,
    Found,
    change_dead_letters,
    change_gate,
    change_job,
    check_dead_letter_action,
)
from .assets import assets
from .cost_view import cost_view
from .dead_view import dead_view
from .job_list import job_list
from .job_view import job_view
from .overview import overview
from .queue_view import view
from .rendering import Renderer
from .text import job_path, queue_path

logger = logging.getLogger(__name__)

#: Actions on one job that are asked about first.
_FINAL = ("cancel", "purge")

Form = dict[str, list[str]]


async def _form(request: Request) -> Form:
    """Return the fields of a posted form. Raises Problem."""
    try:
        return parse_qs((await request.body()).decode(), keep_blank_values=True, max_num_fields=MOST + 20)
    except ValueError:
        raise Problem(422, "expected a form") from None


Posted = Annotated[Form, Depends(_form)]
JobId = Annotated[str, Path()]


class Pages:
    """The pages of these queues."""

    def __init__(
        self, queues: Queues, access: Access, sessions: Sessions, streams: Streams, read_only: bool
    ) -> None:
        self._queues = queues
        self._access = access
        self._sessions = sessions
        self._renderer = Renderer(streams, read_only, access)

    def problem(self, request: Request, problem: Problem) -> Response:
        """Return the page for a refused request; without a session, the form to sign in."""
        if problem.status == 401:
            return self._sign_in(request)
        page = self._renderer.page(request, "problem.html", {"problem": problem}, problem.status)
        page.headers.update(problem.headers())
        return page

    def router(self) -> APIRouter:
        """Return the routes."""
        routes = APIRouter(include_in_schema=False)
        self._add_reading(routes)
        self._add_changes(routes)
        self._add_session(routes)
        routes.add_api_route("/static/{name}", lambda name: assets().response(name), response_model=None)
        return routes

    def _add_reading(self, routes: APIRouter) -> None:
        renderer, queues = self._renderer, self._queues

        @routes.get("/")
        def show_overview(request: Request) -> Response:
            return renderer.live(request, "overview.html", lambda: overview(queues))

        @routes.get("/costs")
        def show_costs(request: Request) -> Response:
            asked = dict(request.query_params)
            return renderer.live(request, "costs.html", lambda: cost_view(queues, asked))

        @routes.get("/find")
        def find(request: Request) -> Response:
            job_id = request.query_params.get("id", "").strip()
            found = [name for name, queue in queues.by_name.items() if job_id and queue.get(job_id)]
            if len(found) == 1:
                return RedirectResponse(job_path(found[0], job_id), 303)
            return renderer.page(request, "find.html", {"job_id": job_id, "found": found})

        @routes.get("/queues/{name}")
        def show_queue(request: Request, name: str) -> Response:
            return renderer.live(request, "queue.html", lambda: self._queue(request, name))

        @routes.get("/queues/{name}/dead")
        def show_dead(request: Request, name: str) -> Response:
            queue = queues.get(name)
            asked = dict(request.query_params)
            return renderer.live(
                request, "dead.html", lambda: {"name": name, "done": asked, **dead_view(queue, asked)}
            )

        @routes.get("/queues/{name}/jobs/{job_id:path}")
        def show_job(request: Request, name: str, job_id: JobId) -> Response:
            queue, limit = queues.get(name), queues.settings[name].rate_limit
            return renderer.live(
                request, "job.html", lambda: {"name": name, **job_view(queue, job_id, limit)}
            )

    def _queue(self, request: Request, name: str) -> dict[str, Any]:
        shown = view(self._queues, name)
        caps = [use for use in self._queues.caps_in_use() if use.scope == f"queue {name}"]
        jobs = job_list(self._queues.get(name), dict(request.query_params))
        return {"queue": shown, "now": shown.now, "caps": caps, **jobs}

    def _add_changes(self, routes: APIRouter) -> None:
        queues = self._queues

        def change(request: Request, name: str, form: Form) -> Change:
            return Change(queues.get(name), _first(form).get("action", ""), request.state.caller)

        @routes.post("/queues/{name}")
        def post_queue(request: Request, name: str, form: Posted) -> Response:
            change_gate(change(request, name, form))
            return RedirectResponse(queue_path(name), 303)

        @routes.post("/queues/{name}/jobs/{job_id:path}")
        def post_job(request: Request, name: str, job_id: JobId, form: Posted) -> Response:
            asked, fields = change(request, name, form), _first(form)
            if asked.action in _FINAL and "confirmed" not in fields:
                return self._confirm(request, asked, Found([job_id]), job_path(name, job_id))
            change_job(asked, job_id, fields)
            gone = asked.action == "purge"
            return RedirectResponse(queue_path(name) + "/dead" if gone else job_path(name, job_id), 303)

        @routes.post("/queues/{name}/dead")
        def post_dead(request: Request, name: str, form: Posted) -> Response:
            asked = change(request, name, form)
            check_dead_letter_action(asked)
            meant = DeadLetters.of(_first(form), form.get("id", []))
            back = f"{queue_path(name)}/dead"
            if "confirmed" not in form:
                return self._confirm(request, asked, meant.find(asked.queue), back)
            jobs = change_dead_letters(asked, meant)
            return RedirectResponse(f"{back}?{asked.action}={jobs}", 303)

    def _confirm(self, request: Request, asked: Change, found: Found, back: str) -> Response:
        """Return the page that asks for confirmation; exactly the jobs that it lists are changed."""
        cost = self._queues.forecast(asked.queue.name, found.ids) if asked.action == "replay" else None
        context = {
            "name": asked.queue.name,
            "action": asked.action,
            "found": found,
            "back": back,
            "cost": cost.words() if cost and cost.is_known else None,
        }
        return self._renderer.page(request, "confirm.html", context)

    def _add_session(self, routes: APIRouter) -> None:
        @routes.get("/sign-in")
        def show_sign_in(request: Request) -> Response:
            return self._sign_in(request, 200)

        @routes.post("/sign-in")
        def sign_in(request: Request, form: Posted) -> Response:
            fields = _first(form)
            token = find_token(self._access.tokens, f"Bearer {fields.get('token', '')}")
            if token is None or "read" not in token.scopes:
                logger.warning("Sign-in refused", extra=log.fields(who=token.name if token else None))
                return self._sign_in(request, 403, wrong="unknown" if token is None else "scope")
            logger.info("Signed in", extra=log.fields(who=token.name))
            response = RedirectResponse(_own_path(fields.get("next", "")), 303)
            self._sessions.start(token, request, response)
            return response

        @routes.post("/sign-out")
        def sign_out(request: Request) -> Response:
            response = RedirectResponse("/sign-in", 303)
            self._sessions.end(request, response)
            return response

    def _sign_in(self, request: Request, status: int = 401, wrong: str = "") -> Response:
        # A browser sends no SameSite=Strict cookie when a link on another site led here. Loading the page
        # once more, from this one, sends it.
        foreign = request.headers.get("sec-fetch-site") in ("cross-site", "same-site")
        again = foreign and request.method == "GET" and status == 401
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        context = {"wrong": wrong, "next": target if status == 401 else "/", "again": again}
        return self._renderer.page(request, "sign_in.html", context, status)


def _first(form: Form) -> dict[str, str]:
    return {name: values[0] for name, values in form.items()}


def _own_path(target: str) -> str:
    """Return the path to go on to; never another site, whose address may begin with two slashes."""
    is_own = target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable()
    return target if is_own else "/"
