"""What the commands say about bad input, in both languages, where the catalogues do not have it yet."""

MESSAGES: dict[str, dict[str, str]] = {
    "argument_missing": {
        "zh-CN": "缺少这个参数。",
        "en": "This argument is missing.",
    },
    "file_unreadable": {
        "zh-CN": "无法读取这个文件：请检查路径和权限。",
        "en": "This file cannot be read: check the path and your rights.",
    },
    "file_too_large": {
        "zh-CN": "文件超过 1 MB。",
        "en": "The file is larger than 1 MB.",
    },
    "not_utf8": {
        "zh-CN": "文件不是 UTF-8 编码：请另存为 UTF-8。",
        "en": "The file is not UTF-8: save it as UTF-8.",
    },
    "json_malformed": {
        "zh-CN": "这里不是有效的 JSON。",
        "en": "This is not valid JSON.",
    },
    "json_too_deep": {
        "zh-CN": "JSON 嵌套过深。",
        "en": "The JSON is nested too deeply.",
    },
    "key_twice": {
        "zh-CN": "同一个键出现了两次：请删去一个。",
        "en": "The same key stands here twice: remove one.",
    },
    "key_missing": {
        "zh-CN": "缺少这个键。",
        "en": "This key is missing.",
    },
    "key_unknown": {
        "zh-CN": "不认识这个键：请检查拼写。",
        "en": "This key is not known: check its spelling.",
    },
    "wrong_type": {
        "zh-CN": "这里的值类型不对。",
        "en": "The value here is of the wrong type.",
    },
    "too_many": {
        "zh-CN": "这里的项目太多，或嵌套过深。",
        "en": "There are too many items here, or they are nested too deeply.",
    },
    "zone_unknown": {
        "zh-CN": "不认识这个时区：请使用 IANA 名称，例如 Asia/Shanghai。",
        "en": "This time zone is not known: use an IANA name such as Asia/Shanghai.",
    },
    "calendar_unknown": {
        "zh-CN": "没有这个节假日历：请使用国家代码，例如 CN 或 DE-BY。",
        "en": "There is no such holiday calendar: use a country code such as CN or DE-BY.",
    },
    "time_malformed": {
        "zh-CN": "时间写法不对：营业时间写作 HH:MM（结束可写 24:00），时刻用 ISO 8601。",
        "en": "This is not a time: write hours as HH:MM (an end may be 24:00) and moments in ISO 8601.",
    },
    "time_without_offset": {
        "zh-CN": "时刻没有写明与 UTC 的时差：请在末尾加上 Z 或 +08:00 之类。",
        "en": "The time has no offset from UTC: end it with Z or one like +08:00.",
    },
    "time_out_of_range": {
        "zh-CN": "时刻超出 1900 至 2900 年的范围。",
        "en": "The time lies outside the years 1900 to 2900.",
    },
    "date_malformed": {
        "zh-CN": "日期写法不对：请写作 YYYY-MM-DD，年份在 1900 至 2900 之间。",
        "en": "This is not a date: write YYYY-MM-DD, in the years 1900 to 2900.",
    },
    "date_twice": {
        "zh-CN": "同一日期有两条例外：请合并为一条。",
        "en": "This date has two exceptions: join them into one.",
    },
    "interval_malformed": {
        "zh-CN": "时段必须是 [开始, 结束] 两项。",
        "en": "An interval must be two items: [start, end].",
    },
    "hours_overlap": {
        "zh-CN": "这个时段与另一时段重叠。",
        "en": "This interval overlaps another one.",
    },
    "end_ambiguous": {
        "zh-CN": "随夏令时变化，这个结束时间有时在开始之前，有时在其后：请改用另一个结束时间。",
        "en": "As the clocks change, this end falls now before, now after the start: choose another end.",
    },
    "no_open_minute": {
        "zh-CN": "370 天内没有任何营业时间：客户将得不到答复。",
        "en": "There is no open minute within 370 days: customers would go unanswered.",
    },
    "minutes_malformed": {
        "zh-CN": "分钟数必须是不小于 0 的整数。",
        "en": "Minutes must be a whole number, 0 or more.",
    },
    "minutes_out_of_range": {
        "zh-CN": "分钟数过大：最多约 20 年。",
        "en": "So many minutes cannot be counted: the most is about 20 years.",
    },
    "due_too_far": {
        "zh-CN": "到期时间在 20 年以后：请减少分钟数或延长营业时间。",
        "en": "The due time lies more than 20 years ahead: count fewer minutes or open longer.",
    },
}
