# SPDX-License-Identifier: Apache-2.0
"""Plans: what a change of the active rulebook would do, told with progress; then just that or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from marginrules import rulebook
from marginrules._pb import plan_pb2
from marginrules.authoring import impact
from marginrules.authoring import plan as planning
from marginrules.authoring.plan.file import PLAN_BYTES_MAX, number_text
from marginrules.errors import InputError, RulebookError
from marginrules.limits import REQUEST_BYTES_MAX, RULEBOOK_BYTES_MAX
from marginrules.rulebook import Program
from marginrules.rulebook.compare import Change, Comparison
from marginrules.server import codec
from marginrules.server.method import Method
from marginrules.server.telling import processes, told
from marginrules.service import border
from marginrules.service.service import Service

_Progress = Callable[[str, int, int], None]


class PlanHandlers:
    """Serve `PlanService`."""

    _service: Service

    def plan_rulebook(
        self, request: plan_pb2.PlanRulebookRequest, is_over: Callable[[], bool]
    ) -> Iterator[plan_pb2.PlanRulebookResponse]:
        """Compare a text with the active rulebook, off the thread that tells how far it is."""

        def work(tell: Callable[[plan_pb2.PlanRulebookResponse], None]) -> plan_pb2.PlanRulebookResponse:
            def progress(what: str, done: int, total: int) -> None:
                tell(plan_pb2.PlanRulebookResponse(progress=plan_pb2.PlanProgress(what=what, done=done, total=total)))

            return self._planned(request, progress)

        return told(work, is_over)

    def _planned(self, request: plan_pb2.PlanRulebookRequest, progress: _Progress) -> plan_pb2.PlanRulebookResponse:
        file, active = request.file or "rulebook.yaml", self._service.shard.active
        progress("compare", 0, 1)
        try:
            made = planning.make_plan(
                active.program if active else None,
                request.text,
                file,
                revision=active.number if active else 0,
                base_file=active.file if active else "",
                made_ns=self._service.now_ns(),
            )
        except RulebookError as error:
            problems = [codec.diagnostic(one) for one in error.diagnostics]
            return plan_pb2.PlanRulebookResponse(problems=plan_pb2.PlanProblems(diagnostics=problems))
        progress("compare", 1, 1)
        if active is not None and (request.with_impact or request.since_ns):
            made = self._with_impact(made, active.program, request, progress)
        return plan_pb2.PlanRulebookResponse(plan=encode_plan(made))

    def _with_impact(
        self, made: planning.Plan, before: Program, request: plan_pb2.PlanRulebookRequest, progress: _Progress
    ) -> planning.Plan:
        """Try the change on a copy of the live book, and on the prices of the past; commands wait for the copy only."""
        service, after = self._service, rulebook.load(made.text, made.file)
        since_ns = border.time_ns("since_ns", request.since_ns)
        population, now_ns = service.look(lambda shard, now_ns: (impact.population_of(shard), now_ns))
        progress("try it on the accounts of now", 0, 1)
        now = impact.now(population, before, after, now_ns) if request.with_impact else None
        progress("try it on the accounts of now", 1, 1)
        past = None
        if since_ns:
            history = impact.history_of_journal(service.entries(), from_ns=since_ns)
            with processes(request.processes) as executor:
                past = impact.impact(
                    population, history, before, after, executor, lambda done, all_: progress("replay", done, all_)
                )
        return planning.with_impact(made, now, past)

    def apply_plan(self, request: plan_pb2.ApplyPlanRequest) -> plan_pb2.ApplyPlanResponse:
        """Activate the rulebook of a plan; the fold itself looks whether its base is still active."""
        request_id = border.identifier("request_id", request.request_id)
        plan = planning.read_plan(request.content)
        planning.check_plan(plan)
        data = {"text": plan.text.decode(), "file": plan.file, "base": plan.base.digest}
        try:
            reply = self._service.submit("activate", data | {"who": request.who, "why": request.why}, request_id)
        except InputError as error:
            if error.code != "MR-I140":
                raise
            active = self._service.shard.active
            found = planning.stale(plan, active.program if active else None, active.number if active else 0)
            return plan_pb2.ApplyPlanResponse(
                stale=plan_pb2.StalePlan(message=found.message, hint=found.hint, changes=found.changes)
            )
        return plan_pb2.ApplyPlanResponse(revision=reply["revision"], digest=reply["digest"])


def encode_plan(plan: planning.Plan) -> plan_pb2.RulebookPlan:
    """Write a plan, and the file of it."""
    base, impact = plan.base, plan.impact
    return plan_pb2.RulebookPlan(
        base=plan_pb2.PlanBase(
            name=base.name, revision=base.revision, digest=base.digest, file=base.file, text=base.text
        ),
        name=plan.name,
        file=plan.file,
        text=plan.text,
        digest=plan.digest,
        comparison=_comparison(plan.comparison),
        difference=plan.difference,
        impact=None if impact is None else _impact(impact),
        made_ns=plan.made_ns,
        content=planning.write_plan(plan),
    )


def _comparison(one: Comparison) -> plan_pb2.PlanComparison:
    changes = [_change(change) for change in one.changes]
    return plan_pb2.PlanComparison(verdict=one.verdict, changes=changes, text_only=one.text_only)


def _change(one: Change) -> plan_pb2.PlannedChange:
    return plan_pb2.PlannedChange(
        direction=one.direction,
        term=one.term,
        before=one.before,
        after=one.after,
        products=one.products,
        profiles=one.profiles,
        ladder=one.ladder,
        step=one.step,
        asset=one.asset,
        spans=[
            plan_pb2.PlannedSpan(of=span.of, low=number_text(span.low), high=number_text(span.high))
            for span in one.spans
        ],
        before_value=number_text(one.before_value),
        after_value=number_text(one.after_value),
        before_line=one.before_line,
        after_line=one.after_line,
    )


def _impact(one: planning.PlannedImpact) -> plan_pb2.PlanImpact:
    now, past = (
        [plan_pb2.PlannedCount(what=count.what, before=count.before, after=count.after) for count in counts]
        for counts in (one.now, one.past)
    )
    return plan_pb2.PlanImpact(
        now=now,
        past=past,
        largest=one.largest,
        told=one.told,
        since_ns=one.since_ns,
        until_ns=one.until_ns,
        digest=one.digest,
    )


METHODS = (
    Method(
        "PlanService",
        "PlanRulebook",
        plan_pb2.PlanRulebookRequest,
        "plan_rulebook",
        "stream",
        "watch",
        RULEBOOK_BYTES_MAX + REQUEST_BYTES_MAX,
    ),
    Method(
        "PlanService",
        "ApplyPlan",
        plan_pb2.ApplyPlanRequest,
        "apply_plan",
        "command",
        bytes_max=PLAN_BYTES_MAX,
    ),
)
