"""An operator's commands in terms of the modules: halt, resume, flatten, close, cancel, cancel-all.

Owns: the answer to each. Every command is in the journal, with who gave it and why, before it is carried out; a journal
that does not take it stops none of them. Never: waits; what is left is asked for by who waits.
"""

from collections.abc import Callable, Iterable

from tradingd.assembly.modules import Modules
from tradingd.control.requests import CommandRequest
from tradingd.control.views import CommandResult
from tradingd.core.books import Books
from tradingd.core.entries import OperatorCommand
from tradingd.core.identifiers import ClientOrderId, PlanId
from tradingd.core.log import Level, LogEvent
from tradingd.core.order_state import OrderStatus
from tradingd.core.scopes import Scope
from tradingd.errors import JournalError
from tradingd.settings.problems import suggest
from tradingd.settings.root import Settings

MODULE = "control"
NOT_UP = "the daemon is starting: until it has reached the venue only halt and resume work"


class OperatorDesk:
    """Where commands are carried out."""

    def __init__(self, *, settings: Settings, books: Books, modules: Modules, is_up: Callable[[], bool]) -> None:
        self._settings = settings
        self._books = books
        self._modules = modules
        self._is_up = is_up

    def carry_out(self, request: CommandRequest) -> CommandResult:
        """Do what an operator asks, or say why not."""
        if (refusal := self._refusal(request)) is not None:
            return CommandResult(done=False, message=refusal)
        self.record(request)
        match request.command:
            case "halt":
                return self._halt(request)
            case "resume":
                return self._resume(request)
            case "cancel":
                return self._cancel(ClientOrderId(request.order_id))
            case "cancel-all":
                return self._cancel_all(request.scope)
            case _:
                return self._close(request)

    def _refusal(self, request: CommandRequest) -> str | None:
        scope = request.scope
        if request.command not in ("halt", "resume") and not self._is_up():
            return NOT_UP
        if request.command == "close" and scope.is_account:
            return "close needs a strategy or a symbol (flatten closes everything)"
        lines, working = self._books.portfolio.lines, [state.order for state in self._books.orders.open]
        strategies = {entry.id for entry in self._settings.strategies} | {name for name, _ in lines}
        strategies |= {order.strategy_id for order in working} | set(self._books.quarantined)
        strategies |= {halted.strategy_id for halted in self._books.halted_scopes if halted.strategy_id is not None}
        if scope.strategy_id is not None and scope.strategy_id not in strategies:
            return _unknown("strategy", scope.strategy_id, strategies)
        symbols = {symbol for entry in self._settings.strategies for symbol in entry.symbols}
        symbols |= {symbol for feed in self._settings.data.feeds for symbol in feed.symbols}
        symbols |= {symbol for _, symbol in lines} | {order.symbol for order in working}
        symbols |= set(self._books.halted_symbols)
        symbols |= {halted.symbol for halted in self._books.halted_scopes if halted.symbol is not None}
        if scope.symbol is not None and scope.symbol not in symbols:
            return _unknown("symbol", scope.symbol, symbols)
        return None

    def record(self, request: CommandRequest) -> None:
        """Put a command into the journal and the log; neither can stop it."""
        scope = request.scope
        entry = OperatorCommand(
            command=request.command,
            operator=request.operator,
            uid=request.uid,
            reason=request.reason,
            strategy_id=scope.strategy_id,
            symbol=scope.symbol,
            order_id=request.order_id,
        )
        unwritten = ""
        try:
            self._modules.logger.record(entry, durable=True)
        except JournalError as error:
            unwritten = f"; the journal did not take it ({error}), and it is carried out all the same"
        what = f"{request.command} {request.order_id or ('' if scope.is_account else scope)}".rstrip()
        why = f": {request.reason}" if request.reason else ""
        self._modules.logger.log_event(
            Level.WARNING,
            f"operator command: {what} by {request.operator or 'nobody named'}{why}{unwritten}",
            {"command": request.command, "operator": request.operator, "uid": request.uid, "reason": request.reason},
            event=LogEvent.CONTROL_COMMAND,
            module=MODULE,
            strategy_id=scope.strategy_id,
            symbol=scope.symbol,
        )

    def _working(self, scope: Scope) -> tuple[str, ...]:
        return tuple(
            state.client_order_id
            for state in self._books.orders.open
            if scope.covers(state.order.strategy_id, state.order.symbol)
        )

    # -- halts --------------------------------------------------------------------------------------------------------

    def _halt(self, request: CommandRequest) -> CommandResult:
        scope, reason = request.scope, request.reason or "operator"
        if scope.is_account:
            before = self._modules.risk.halted
            is_new = self._modules.risk.halt(reason, request.operator)
        else:
            halted = self._books.halted_scopes.get(scope)
            before = None if halted is None else halted.reason
            is_new = self._modules.risk.halt_scope(scope, reason, request.operator)
        passing = "no new order leaves until resume; orders that only reduce a position pass"
        message = f"{scope} is halted: {passing}" if is_new else f"{scope} is halted already ({before}): {passing}"
        return CommandResult(done=True, already=not is_new, message=message, orders_working=self._working(scope))

    def _resume(self, request: CommandRequest) -> CommandResult:
        scope, books = request.scope, self._books
        lifted: list[str] = []
        if scope.is_account and (halt := self._modules.risk.halted) is not None:
            lifted.append(f"the halt of the account ({halt})")
        lifted += [
            f"the halt of {halted} ({entry.reason})"
            for halted, entry in books.halted_scopes.items()
            if scope.is_account or halted == scope
        ]
        lifted += [
            f"the halt of {symbol} ({entry.reason})"
            for symbol, entry in books.halted_symbols.items()
            if scope in (Scope(), Scope(symbol=symbol))
        ]
        lifted += [
            f"the quarantine of {strategy_id} ({entry.reason})"
            for strategy_id, entry in books.quarantined.items()
            if scope in (Scope(), Scope(strategy_id=strategy_id))
        ]
        if lifted:
            if scope.is_account:
                self._modules.risk.resume(request.operator)
            else:
                self._modules.risk.resume_scope(scope, request.operator)
            if scope.symbol is None and self._is_up():  # before that the start of each strategy is still to come
                self._modules.execution.resume(scope.strategy_id)
                self._modules.strategies.resume(scope.strategy_id)
        message = "orders may leave again" if scope.is_account else f"orders of {scope} may leave again"
        left: tuple[str, ...] = ()
        if lifted and scope.is_account:
            self._modules.risk.check_limits()
            if (again := self._modules.risk.halted) is not None:
                message = "orders could not leave again: a limit is still broken"
                left = (f"the account is halted again: {again}",)
        if not lifted:
            message = f"{scope} is not halted: nothing was to be lifted"
        if (rest := self._still_halted(scope)) and not scope.is_account:
            message += f"; still halted: {', '.join(rest)}"
        return CommandResult(
            done=True,
            already=not lifted,
            message=message,
            lifted=tuple(lifted),
            left=left,
            orders_working=self._working(scope),
        )

    def _still_halted(self, scope: Scope) -> list[str]:
        """What still keeps orders of a scope, or some of them, from leaving."""
        books = self._books
        halted = [] if self._modules.risk.halted is None else ["the account"]
        for other in books.halted_scopes:
            apart = (None not in (scope.strategy_id, other.strategy_id) and scope.strategy_id != other.strategy_id) or (
                None not in (scope.symbol, other.symbol) and scope.symbol != other.symbol
            )
            if not apart:
                halted.append(str(other))
        halted += [symbol for symbol in books.halted_symbols if scope.symbol in (None, symbol)]
        halted += [f"{name} (quarantined)" for name in books.quarantined if scope.strategy_id in (None, name)]
        return halted

    # -- orders and positions -----------------------------------------------------------------------------------------

    def _close(self, request: CommandRequest) -> CommandResult:
        scope, command = request.scope, request.command
        halts = request.halt or command == "flatten"
        if halts:
            reason = f"{command}: {request.reason}" if request.reason else command
            if scope.is_account:
                self._modules.risk.halt(reason, request.operator)
            else:
                self._modules.risk.halt_scope(scope, reason, request.operator)
        working = self._working(scope)
        held = any(position.quantity and scope.covers(*key) for key, position in self._books.portfolio.lines.items())
        self._modules.execution.flatten(scope)  # where nothing works or is held it still ends what waits for a price
        if working or held:
            message = f"{scope}: working orders are being cancelled, then positions closed at the market"
        else:
            message = f"{scope}: no order works and nothing is held"
        message += f"; {scope} is halted until `tradingd resume`" if halts else "; it may open positions again"
        return CommandResult(done=True, already=not (working or held), message=message, orders_working=working)

    def _cancel(self, order_id: ClientOrderId) -> CommandResult:
        books = self._books
        named = books.orders.named(order_id)
        if len(named) > 1:
            message = f"{order_id} may be any of {', '.join(named)}: give the whole id"
            return CommandResult(done=False, message=message)
        if named and PlanId(order_id) not in books.plans:
            order_id = named[0]
        plan = books.plans.get(PlanId(order_id))
        state = books.orders.get(order_id)
        if plan is None and state is None:
            return CommandResult(done=False, message=f"there is no order {order_id} (see `tradingd orders --all`)")
        if plan is None and state is not None and state.is_terminal:
            if state.status is OrderStatus.FILLED:
                return CommandResult(done=False, message=f"{order_id} has filled: nothing of it can be cancelled")
            message = f"{order_id} is {state.status.value} already"
            return CommandResult(done=True, already=True, message=message)
        targets = (
            (order_id,)
            if plan is None
            else tuple(each.client_order_id for each in books.orders.of_plan(PlanId(order_id)) if not each.is_terminal)
        )
        if self._modules.execution.cancel_order(order_id):
            return CommandResult(done=True, message=f"a cancel of {order_id} was asked for", orders_working=targets)
        return CommandResult(done=False, message=f"{order_id} is not working (see `tradingd orders --all`)")

    def _cancel_all(self, scope: Scope) -> CommandResult:
        targets = self._working(scope)
        count = self._modules.execution.cancel_all(scope.strategy_id, scope.symbol)
        of = "" if scope.is_account else f" of {scope}"
        if not targets:
            return CommandResult(done=True, already=True, message=f"no order{of} is working")
        orders = "1 order" if count == 1 else f"{count} orders"
        return CommandResult(done=True, message=f"cancels of {orders}{of} were asked for", orders_working=targets)


def _unknown(kind: str, name: str, known: Iterable[str]) -> str:
    hint = suggest(name, known)
    return f"there is no {kind} {name}" + (f" ({hint})" if hint else "")
