"""An alarm in people's words, Chinese first: for the screen, and as a file for the auditors."""

from collections.abc import Iterator
from datetime import UTC, datetime

from ledger.commands.alarm import Alarm, Touched, count_of

NAMED_MAX = 20

NOUNS = {
    "organisation": ("工会组织", "unions"),
    "fiscal_year": ("年度结余", "fiscal years"),
    "fund": ("资金账户", "fund accounts"),
    "batch": ("发放批次", "batches"),
    "payment": ("发放明细", "payments"),
    "person": ("受助人", "people"),
}


def alarm_lines(alarm: Alarm) -> Iterator[str]:
    """Yield the report line by line."""
    yield "账本核验不通过  THE LEDGER DOES NOT HOLD"
    yield ""
    yield "一、哪里不对  What is broken"
    yield f"  {alarm.code}: {alarm.detail}"
    if alarm.position is not None:
        kind = f"，{alarm.event_type}" if alarm.event_type else ""
        when = f"，记录于 recorded {alarm.recorded_at}" if alarm.recorded_at else ""
        yield f"  事件位置 position {alarm.position}{kind}{when}"
    if alarm.field is not None:
        yield f"  有问题的部分 at fault: {alarm.field}"
    yield ""
    yield "二、到哪里为止可信  How far it holds"
    yield f"  前 {alarm.last_good_size} 个事件成立（共 {alarm.events} 个）"
    yield f"  the first {alarm.last_good_size} of {alarm.events} events hold"
    if alarm.last_good_at:
        yield f"  最后一个成立的检查点记录于 last good checkpoint: {alarm.last_good_at}"
    for witness in alarm.witnesses:
        moment = datetime.fromtimestamp(witness.time_s, UTC).isoformat()
        yield f"  {witness.name} 见证到 {witness.size} 个事件 witnessed at {moment}"
    if not alarm.witnesses:
        yield "  没有见证人签过这一段  no witness cosigned any of it"
    yield ""
    yield "三、影响到谁  What is touched"
    yield from _touched("确定 surely", alarm, alarm.surely)
    yield from _touched("存疑 in doubt", alarm, alarm.in_doubt)
    yield "  上述账户的余额、其工会及上级工会的结余消化率，在查清之前不得使用。"
    yield "  Balances of these accounts, and the surplus ratios of their unions and those above,"
    yield "  are not to be used until this is cleared up."
    yield ""
    yield "四、现在怎么办  What to do now"
    yield "  1. 停止写入，整个文件夹原样封存，不要修复。Stop writing; keep the folder as it is."
    yield "  2. 向见证人、审计处索取他们手中的检查点和已发布的日志，与本账本比对。"
    yield "     Fetch checkpoints and published copies from witnesses and auditors, and compare."
    yield "  3. 通知经审会和上级工会，附上本报告。Tell the auditors and the higher union."
    yield "  4. 从备份恢复后再次核验，并核对见证人签过的最后一个检查点。"
    yield "     Restore a copy, verify it, and compare it with the last checkpoint witnessed."


def _touched(title: str, alarm: Alarm, touched: Touched) -> Iterator[str]:
    if not touched.ids:
        return
    counts = "，".join(f"{NOUNS[noun][0]} {NOUNS[noun][1]} {n}" for noun, n in count_of(touched))
    yield f"  {title}：{counts}"
    for noun in ("organisation", "fund", "batch", "payment", "person"):
        ids = touched.of(noun)
        for id_ in ids[:NAMED_MAX]:
            yield f"    {NOUNS[noun][0]} {alarm.name(id_)}"
        if len(ids) > NAMED_MAX:
            yield f"    … {NOUNS[noun][0]} 另有 {len(ids) - NAMED_MAX} and more"
