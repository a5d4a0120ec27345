"""The texts of the live pages, by key, in the languages of the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from streamtally.report.texts import language

ENGLISH: Final[Mapping[str, str]] = {
    "pause": "Pause",
    "resume": "Resume",
    "paused": "paused",
    "as_of": "as of",
    "lost": "not connected; trying again",
    "refused": "not connected: too many pages are open; close some and reload this one",
    "filter": "Only lines and documents with",
    "filter.button": "Filter",
    "footer": "Times are in UTC. Counts are of the lines since the start.",
    "tile.now": "lines a second, now",
    "tile.minute": "lines a second, last minute",
    "tile.newest": "newest line that parsed",
    "hour": "The last hour",
    "hour.note": "Rows per minute (UTC).",
    "hour.label": "Rows per minute of the last hour. {summary}. The numbers are in the table below.",
    "newest": "Newest lines that did not parse",
    "newest.caption": "The newest first: {count:,} of {total:,} lines",
    "notices": "What happened to the logs",
    "counts": "Settled counts",
    "counts.none": "No counts yet.",
    "counts.json": "As JSON: /counts",
    "reasons": "Why lines were not counted",
    "reasons.caption": "Reasons, the most frequent first; as JSON: /ledger",
    "column.lines": "lines",
    "column.stream": "stream",
    "column.line": "line",
    "column.document": "document",
    "column.counter": "counter",
    "tap.lines": "Last lines in",
    "tap.documents": "Last documents out",
    "tap.with": '{heading} with "{filter}"',
    "tap.caption": "The newest first",
    "tap.label": "{heading}: the newest first",
    "tap.none": "None.",
    "streams": "Delivery streams",
    "streams.caption": "Since the start; as JSON: this address",
    "title": "Streamtally, simulated Firehose",
    "title.logs": "Streamtally: {first}",
    "title.more": "Streamtally: {first} and {count} more",
}
JAPANESE: Final[Mapping[str, str]] = {
    "pause": "一時停止",
    "resume": "再開",
    "paused": "一時停止中",
    "as_of": "更新時刻:",
    "lost": "接続が切れました。再接続しています",
    "refused": "接続できません。開いているページが多すぎます。いくつか閉じてから再読み込みしてください",
    "filter": "次のテキストを含む行とドキュメントのみ",
    "filter.button": "絞り込む",
    "footer": "時刻は UTC です。件数は起動以降の行を集計したものです。",
    "tile.now": "行/秒 (現在)",
    "tile.minute": "行/秒 (直近 1 分)",
    "tile.newest": "解析できた最新の行",
    "hour": "直近 1 時間",
    "hour.note": "1 分ごとの件数 (UTC)。",
    "hour.label": "直近 1 時間の 1 分ごとの件数。{summary}。数値は下の表にあります。",
    "newest": "解析できなかった最新の行",
    "newest.caption": "新しい順、全 {total:,} 行中 {count:,} 行",
    "notices": "ログファイルの変化",
    "counts": "確定した集計値",
    "counts.none": "集計値はまだありません。",
    "counts.json": "JSON: /counts",
    "reasons": "集計されなかった理由",
    "reasons.caption": "理由 (多い順)、JSON: /ledger",
    "column.lines": "行数",
    "column.stream": "ストリーム",
    "column.line": "行",
    "column.document": "ドキュメント",
    "column.counter": "カウンター",
    "tap.lines": "最近受信した行",
    "tap.documents": "最近送信したドキュメント",
    "tap.with": "{heading} (「{filter}」を含む)",
    "tap.caption": "新しい順",
    "tap.label": "{heading}、新しい順",
    "tap.none": "ありません。",
    "streams": "配信ストリーム",
    "streams.caption": "起動以降、JSON: このアドレス",
    "title": "Streamtally: Firehose シミュレーター",
    "title.logs": "Streamtally: {first}",
    "title.more": "Streamtally: {first} 他 {count} 件",
}
_LANGUAGES: Final[Mapping[str, Mapping[str, str]]] = {"en": ENGLISH, "ja": JAPANESE}


def say_live(key: str, **values: object) -> str:
    """A text of the live pages with its values filled in; it is not escaped."""
    return _LANGUAGES[language()][key].format(**values)
