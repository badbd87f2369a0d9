//! Mistakes, and what is said about them.

mod of_patterns;
mod of_sections;

pub(super) use self::of_patterns::OF_PATTERNS;
pub(super) use self::of_sections::OF_SECTIONS;

/// One mistake each: what is replaced in the sound document, by what, and what is said about it.
pub(super) const MISTAKES: &[(&str, &str, &str)] = &[
    (
        "id = \"r-1\"\n",
        "",
        "1:1 error[missing-key] the rule has no 'id', which is required (add id = \"charger-care\")",
    ),
    (
        "\"r-1\"",
        "\"r 1\"",
        "1:6 error[bad-id] rule id contains ' ' (use letters, digits, '-' or '_', 1 to 64)",
    ),
    (
        "\"r-1\"",
        "7",
        "1:6 error[wrong-type] 'id' is a whole number, not a text (write id = \"charger-care\")",
    ),
    ("\"r-1\"", "r-1", "1:6 error[syntax] r-1 is a text without quotes (write \"r-1\")"),
    (
        "\"r-1\"",
        "\"r-1",
        "1:10 error[syntax] a text is not closed (put the same quote at both ends of the text)",
    ),
    (
        "id = \"r-1\"",
        "id = \"r-1\"\nid = \"r-2\"",
        "2:1 error[duplicate-key] 'id' is given twice (keep one of the two)",
    ),
    (
        "kind =",
        "stage = \"shado\"\nkind =",
        "2:9 error[unknown-value] 'shado' is not known (did you mean 'shadow'?)",
    ),
    (
        "kind =",
        "stage = true\nkind =",
        "2:9 error[wrong-type] 'stage' is true or false, not a text (write stage = \"shadow\")",
    ),
    (
        "kind =",
        "stgae = \"live\"\nkind =",
        "2:1 error[unknown-key] the rule has no key 'stgae' (did you mean 'stage'?)",
    ),
    (
        "kind =",
        "guard = true\nkind =",
        "2:9 error[wrong-type] 'guard' is true or false, not a table (write guard = { needs_consent = true })",
    ),
    (
        "kind =",
        "knid =",
        "2:1 error[unknown-key] the rule has no key 'knid' (did you mean 'kind'?)",
    ),
    (
        "\"trigger\"",
        "\"triger\"",
        "2:8 error[unknown-value] 'triger' is not known (did you mean 'trigger'?)",
    ),
    (
        "\"trigger\"",
        "\"score\"",
        "2:8 error[not-supported-yet] 'score' is not supported by this version (leave it out; it would not be obeyed)",
    ),
    (
        "{ en = \"Failures\" }",
        "{ }",
        "3:9 error[missing-key] the title has no text in any language (write title = { en = \"Repeated charging failures\", zh = \"连续充电失败\" })",
    ),
    (
        "{ en = \"Failures\" }",
        "\"Failures\"",
        "3:9 error[wrong-type] 'title' is a text, not a table (write title = { en = \"Repeated charging failures\", zh = \"连续充电失败\" })",
    ),
    ("\"Failures\"", "\" \"", "3:16 error[bad-text] the text is empty (write something)"),
    (
        "\"Failures\"",
        "\"a\\u0000b\"",
        "3:16 error[bad-text] the text contains '\\0' (write it on one line, without control characters)",
    ),
    (
        "{ en =",
        "{ de = \"x\", en =",
        "3:11 error[unknown-key] the title has no key 'de' (use one of: en, zh)",
    ),
    (
        "\"consecutive\"",
        "\"consecutve\"",
        "5:11 error[unknown-value] 'consecutve' is not known (did you mean 'consecutive'?)",
    ),
    (
        "pattern = \"consecutive\"\n",
        "",
        "4:1 error[missing-key] [when] has no 'pattern', which is required (add pattern = \"consecutive\")",
    ),
    (
        "\"charge_failed\"",
        "\"charge_faild\"",
        "6:9 warning[unknown-kind] no source is known to send 'charge_faild' (did you mean 'charge_failed'?)",
    ),
    (
        "\"charge_failed\"",
        "\"door_open\"",
        "6:9 warning[unknown-kind] no source is known to send 'door_open' (check its spelling; native JSON may send it)",
    ),
    (
        "\"charge_failed\"",
        "\"charge failed\"",
        "6:9 error[bad-name] 'charge failed' is no name (write 1 to 64 bytes without blanks: charge_failed)",
    ),
    (
        "[episode]",
        "reset_by = \"charge_ok\"\n[episode]",
        "7:12 error[wrong-type] 'reset_by' is a text, not a list of texts (write reset_by = [\"charge_ok\"])",
    ),
    (
        "[episode]",
        "reset_by = [\"charge_ok\", 3]\n[episode]",
        "7:26 error[wrong-type] 'reset_by' is a whole number, not a text (write reset_by = [\"charge_ok\"])",
    ),
    (
        "[episode]",
        "reset_by = [\"charge_failed\"]\n[episode]",
        "7:13 error[reset-is-counted] 'charge_failed' is counted and resets the count (name another kind of event)",
    ),
    (
        "[episode]",
        "times = 0\n[episode]",
        "7:9 error[out-of-range] 'times' is 0, not 1 to 1000 (write times = 3)",
    ),
    (
        "[episode]",
        "times = 1_001\n[episode]",
        "7:9 error[out-of-range] 'times' is 1001, not 1 to 1000 (write times = 3)",
    ),
    (
        "[episode]",
        "times = \"3\"\n[episode]",
        "7:9 error[wrong-type] 'times' is a text, not a whole number (write times = 3)",
    ),
    (
        "[episode]",
        "times = 3.5\n[episode]",
        "7:9 error[wrong-type] 'times' is a number, not a whole number (write times = 3)",
    ),
    (
        "[episode]",
        "tmies = 3\n[episode]",
        "7:1 error[unknown-key] [when] has no key 'tmies' (did you mean 'times'?)",
    ),
    (
        "[episode]",
        "colour = 3\n[episode]",
        "7:1 error[unknown-key] [when] has no key 'colour' (use one of: any, event, not_while, pattern, per, reset_by, times, where, within)",
    ),
    (
        "[episode]",
        "within = \"a day\"\n[episode]",
        "7:10 error[bad-duration] 'a day' is no duration (write a whole number and one of the units s, m, h, d, w: \"90s\", \"15m\", \"24h\", \"7d\", \"2w\")",
    ),
    (
        "[episode]",
        "within = \"0h\"\n[episode]",
        "7:10 error[bad-duration] 'within' is no time at all (write \"24h\")",
    ),
    (
        "[episode]",
        "within = 24h\n[episode]",
        "7:10 error[syntax] 24h is a text without quotes (write \"24h\")",
    ),
    (
        "[episode]",
        "per = \"devise\"\n[episode]",
        "7:7 error[unknown-value] 'devise' is not known (did you mean 'device'?)",
    ),
    (
        "[episode]",
        "where = 'event.code = \"X\"'\n[episode]",
        "7:21 error[condition-syntax] '=' is not understood here (write == to compare, != for 'is not')",
    ),
    (
        "[episode]",
        "where = 'device.modle == \"X7\"'\n[episode]",
        "7:17 error[unknown-field] 'device' has no field 'modle' (did you mean 'model'?)",
    ),
    (
        "[episode]",
        "where = \"event.cause == \\\"chager\\\"\"\n[episode]",
        "7:25 warning[unknown-literal] no source is known to send 'chager' here (did you mean 'charger'?)",
    ),
    (
        "[episode]",
        "where = '''\nevent.cause == \"grid\" &&\n  event.colour == 3'''\n[episode]",
        "9:9 warning[unknown-attribute] no source is known to send 'colour' with charge_failed (check its spelling; native JSON may send it)",
    ),
    (
        "\"7d\"",
        "\"7 days\"",
        "8:12 error[bad-duration] '7 days' is no duration (write a whole number and one of the units s, m, h, d, w: \"90s\", \"15m\", \"24h\", \"7d\", \"2w\")",
    ),
    (
        "cooldown =",
        "cool_down =",
        "8:1 error[unknown-key] [episode] has no key 'cool_down' (did you mean 'cooldown'?)",
    ),
    (
        "[episode]\ncooldown = \"7d\"\n",
        "",
        "1:1 warning[no-cooldown] without a cooldown every further event of a run makes another task (add [episode] with cooldown = \"7d\", or \"0s\" if that is meant)",
    ),
    (
        "[[then]]\ntask = \"care\"\n",
        "",
        "1:1 error[missing-key] the rule has no 'then', which is required (add then = [{ task = \"care\" }])",
    ),
    (
        "[[then]]",
        "[then]",
        "9:1 error[wrong-type] 'then' is a table, not a list of tables (write [[then]] with two brackets at each side)",
    ),
    (
        "task = \"care\"",
        "task = \"care\"\n[[then]]\ntask = \"b\"",
        "11:1 error[not-supported-yet] a second [[then]] is not supported by this version (leave it out; it would not be obeyed)",
    ),
    (
        "task = \"care\"",
        "title = { zh = \"a\" }",
        "9:1 error[missing-key] [[then]] has no 'task', which is required (add task = \"care\")",
    ),
    (
        "task = \"care\"",
        "task = \"care\"\nsteps = [\"\"]",
        "11:10 error[bad-text] the text is empty (write something)",
    ),
    (
        "task = \"care\"",
        "task = \"care\"\ndue = \"2 hours\"",
        "11:7 error[bad-due] '2 hours' is no due time (write \"2 business hours\", \"30 business minutes\" (at most 2000 hours) or a duration such as \"36h\")",
    ),
    (
        "task = \"care\"",
        "task = \"care\"\nroute = \"acount-owner\"",
        "11:9 error[bad-route] 'acount-owner' is no target of a route (did you mean 'account-owner'?)",
    ),
    (
        "[when]",
        "[when",
        "4:6 error[syntax] a table's header is not closed (write ] after its name)",
    ),
    (
        "[when]",
        "when it fails\n[when]",
        "4:6 error[syntax] a key has no value (write key = value; a comment begins with #)",
    ),
];
