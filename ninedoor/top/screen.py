"""The live view on a terminal. It draws samples, and leaves asking for them to its `Watch`."""

import time
from collections.abc import Callable
from typing import ClassVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import DataTable, Footer, Static

from ninedoor.top import words
from ninedoor.top.rates import ORDERS, in_order, rows
from ninedoor.top.sample import Sample
from ninedoor.top.watch import Take, Watch

INTERVALS = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""Pauses in s that the keys + and - choose among."""


class TopApp(App[None]):
    """The view. `name` says which hive it is of."""

    ENABLE_COMMAND_PALETTE = False
    CSS = """
    #summary { height: 3; }
    #status { height: 1; text-style: reverse; }
    #status.lost { background: $error; }
    DataTable { scrollbar-size-vertical: 1; }
    #workers, #none { height: 1fr; }
    #leases { height: auto; max-height: 6; }
    #log { height: 6; border-top: solid $primary; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", "quit"),
        Binding("ctrl+c", "quit", show=False, priority=True),
        Binding("p", "pause", "pause"),
        Binding("o", "order", "order"),
        Binding("plus", "interval(-1)", "faster", key_display="+"),
        Binding("minus", "interval(1)", "slower", key_display="-"),
        Binding("r", "refresh", "look now"),
    ]

    def __init__(self, name: str, take: Take, interval_s: float, order: str) -> None:
        super().__init__()
        self._name = name
        self._order = order
        self._before: Sample | None = None
        self._sample: Sample | None = None
        self._why_lost = ""
        self._lost_at = 0.0
        self.tell_lost = self._later(self.lost)
        """As `lost`, for another thread."""
        self._watch = Watch(take, interval_s, self._later(self.seen), self.tell_lost)

    def compose(self) -> ComposeResult:
        yield Static(id="status", markup=False)
        yield Static(id="summary", markup=False)
        yield DataTable(id="workers", cursor_type="row", zebra_stripes=True)
        yield Static(id="none", markup=False)
        yield DataTable(id="leases", cursor_type="none", show_cursor=False)
        yield Static(id="log", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        self._table("workers").add_columns(*words.WORKER_HEAD)
        self._table("leases").add_columns(*words.LEASE_HEAD)
        self._table("leases").display = False
        self.query_one("#none").display = False
        self._draw()
        self._watch.start()

    def on_unmount(self) -> None:
        self._watch.stop()

    def on_resize(self) -> None:
        self._draw_log()

    # -- what the watch tells -----------------------------------------------------------------------------

    def seen(self, sample: Sample) -> None:
        """A new sample."""
        self._before, self._sample, self._why_lost = self._sample, sample, ""
        self._draw()

    def lost(self, why: str) -> None:
        """There is no new sample; the last one stays."""
        if not self._why_lost:
            self._lost_at = time.time()
        self._why_lost = why
        self._draw_status()

    def _later(self, told: Callable[..., None]) -> Callable[..., None]:
        def tell(value: object) -> None:
            try:
                self.call_from_thread(told, value)
            except RuntimeError:
                self._watch.stop()  # the view ended meanwhile

        return tell

    # -- keys ---------------------------------------------------------------------------------------------

    def action_pause(self) -> None:
        self._watch.paused = not self._watch.paused
        self._watch.now()
        self._draw_status()

    def action_order(self) -> None:
        names = list(ORDERS)
        self._order = names[(names.index(self._order) + 1) % len(names)]
        self._draw()

    def action_interval(self, step: int) -> None:
        nearest = min(INTERVALS, key=lambda choice: abs(choice - self._watch.interval_s))
        at = min(max(INTERVALS.index(nearest) + step, 0), len(INTERVALS) - 1)
        self._watch.interval_s = INTERVALS[at]
        self._watch.now()
        self._draw_status()

    def action_refresh(self) -> None:
        self._watch.now()

    # -- drawing ------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        self._draw_status()
        if self._sample is None:
            return
        self.query_one("#summary", Static).update("\n".join(words.summary(self._sample)))
        self._draw_workers(self._sample)
        leases = self._table("leases")
        leases.display = bool(self._sample.leases)
        leases.clear()
        for lease in self._sample.leases:
            leases.add_row(*map(Text, words.lease_cells(lease)))
        self._draw_log()

    def _draw_status(self) -> None:
        status = self.query_one("#status", Static)
        status.set_class(bool(self._why_lost), "lost")
        if self._why_lost:
            doing = f"unreachable since {_clock(self._lost_at)}: {self._why_lost}; trying again"
        elif self._sample is None:
            doing = "asking ..."
        else:
            doing = _clock(self._sample.at)
        how = "paused" if self._watch.paused else f"every {self._watch.interval_s:g} s"
        status.update(f"{self._name}   {doing}   {how}, by {self._order}")

    def _draw_workers(self, sample: Sample) -> None:
        table = self._table("workers")
        chosen = self._chosen(table)
        top = table.scroll_y
        shown = in_order(rows(sample, self._before), self._order)
        table.clear()
        for row in shown:
            table.add_row(*map(Text, words.worker_cells(row, sample.at)), key=row.worker.id)
        table.display = bool(shown)
        none = self.query_one("#none", Static)
        none.display = not shown
        none.update(words.no_workers(sample))
        if chosen in table.rows:
            table.move_cursor(row=table.get_row_index(chosen), animate=False, scroll=False)
        table.scroll_to(y=top, animate=False)

    def _chosen(self, table: DataTable[Text]) -> str:
        """The worker the cursor is on."""
        if not table.row_count:
            return ""
        return table.coordinate_to_cell_key(table.cursor_coordinate).row_key.value or ""

    def _draw_log(self) -> None:
        pane = self.query_one("#log", Static)
        lines = self._sample.log if self._sample else ()
        room = max(pane.content_size.height, 1)
        width = max(pane.content_size.width, 1)
        pane.update("\n".join(line[:width] for line in lines[-room:]))

    def _table(self, name: str) -> DataTable[Text]:
        return self.query_one(f"#{name}", DataTable)


def _clock(unix_s: float) -> str:
    """A time of this day, by the clock of this machine."""
    return time.strftime("%H:%M:%S", time.localtime(unix_s))
