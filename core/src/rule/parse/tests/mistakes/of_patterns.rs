//! Mistakes in `[when]`, which begins at line 4, and what is said about them.

pub(in super::super) const OF_PATTERNS: &[(&str, &[&str])] = &[
    (
        "pattern = \"consecutive\"\nevent = \"charge_failed\"\nall = [{ event = \"charge_ok\" }]",
        &[
            "7:1 error[key-of-other-pattern] 'all' belongs to count, not to consecutive (leave it out; consecutive has event, where, any, times, within)",
        ],
    ),
    (
        "pattern = \"consecutive\"\nevent = \"charge_failed\"\nany = [{ event = \"charge_failed\" }]",
        &["7:7 error[conflicting-keys] 'event' and 'any' exclude each other (keep one of them)"],
    ),
    (
        "pattern = \"consecutive\"\nwhere = 'true'\nany = [{ event = \"charge_failed\" }]",
        &[
            "6:9 error[conflicting-keys] 'where' and 'any' exclude each other (write it in each test: { event = \"charge_failed\", where = '…' })",
        ],
    ),
    (
        "pattern = \"consecutive\"",
        &[
            "4:1 error[missing-key] [when] has none of 'event', 'any'; one is required (add event = \"charge_failed\")",
        ],
    ),
    (
        "pattern = \"consecutive\"\nevnt = \"charge_failed\"",
        &["6:1 error[unknown-key] [when] has no key 'evnt' (did you mean 'event'?)"],
    ),
    (
        "pattern = \"consecutive\"\nany = \"charge_failed\"",
        &[
            "6:7 error[wrong-type] 'any' is a text, not a list of tables (write any = [{ event = \"charge_failed\" }, { event = \"ticket_opened\" }])",
        ],
    ),
    (
        "pattern = \"consecutive\"\nany = [\"charge_failed\"]",
        &[
            "6:8 error[wrong-type] 'any' is a text, not a table (write any = [{ event = \"charge_failed\" }, { event = \"ticket_opened\" }])",
        ],
    ),
    (
        "pattern = \"consecutive\"\nany = []",
        &[
            "6:7 error[out-of-range] 'any' lists 0, not 1 to 16 (write any = [{ event = \"charge_failed\" }, { event = \"ticket_opened\" }])",
        ],
    ),
    (
        "pattern = \"consecutive\"\nany = [{ where = 'true' }]",
        &[
            "6:8 error[missing-key] a test has no 'event', which is required (add event = \"charge_failed\")",
        ],
    ),
    (
        "pattern = \"consecutive\"\nany = [{ event = \"charge_failed\", whre = 'true' }]",
        &["6:35 error[unknown-key] a test has no key 'whre' (did you mean 'where'?)"],
    ),
    (
        "pattern = \"consecutive\"\nany = [{ event = \"charge_failed\", where = 'event.caus == \"grid\"' }, { event = \"charge_ok\", where = 'event.energy_wh > \"3\"' }]",
        &[
            "6:50 warning[unknown-attribute] no source is known to send 'caus' with charge_failed (did you mean 'event.cause'?)",
            "6:101 warning[condition-type] event.energy_wh is a number and \"3\" is a text; they have no order (compare texts (\"3\") with texts and numbers (3) with numbers)",
        ],
    ),
    (
        "pattern = \"consecutive\"\nany = [{ event = \"charge_failed\" }, { event = \"charge_ok\" }]\nreset_by = [\"charge_ok\"]",
        &[
            "7:13 error[reset-is-counted] 'charge_ok' is counted and resets the count (name another kind of event)",
        ],
    ),
    (
        "pattern = \"consecutive\"\nevent = \"charge_failed\"\nfor = \"1h\"",
        &[
            "7:1 error[key-of-other-pattern] 'for' belongs to absence or sustained, not to consecutive (leave it out; consecutive has event, where, any, times, within)",
        ],
    ),
    (
        "pattern = \"consecutive\"\nevent = \"charge_failed\"\nper = \"event.device\"",
        &["7:7 error[unknown-value] 'event.device' is no attribute of events (write \"device\")"],
    ),
    (
        "pattern = \"consecutive\"\nevent = \"charge_failed\"\nper = \"event.seq\"",
        &[
            "7:7 error[unknown-value] 'event.seq' is no attribute of events (name an attribute: event.id_tag)",
        ],
    ),
    (
        "pattern = \"consecutive\"\nevent = \"charge_failed\"\nper = \"event.\"",
        &["7:7 error[bad-name] '' is no name (write 1 to 64 bytes without blanks: charge_failed)"],
    ),
    (
        "pattern = \"consecutive\"\nevent = \"charge_failed\"\nper = \"event.a.b\"",
        &[
            "7:7 error[unknown-value] 'event.a.b' is no attribute of events (name an attribute: event.id_tag)",
        ],
    ),
    (
        "pattern = \"consecutive\"\nevent = \"charge_failed\"\nper = \"event.id_tga\"",
        &[
            "7:14 warning[unknown-attribute] no source is known to send 'id_tga' with charge_failed (did you mean 'event.id_tag'?)",
        ],
    ),
    (
        "pattern = \"consecutive\"\nevent = \"charge_failed\"\nper = \"event.ts\"",
        &[
            "7:14 error[unknown-attribute] 'ts' is no attribute (the time of an event is event.occurred_at)",
        ],
    ),
    (
        "pattern = \"consecutive\"\nevent = \"charge_failed\"\nper = \"acount\"",
        &["7:7 error[unknown-value] 'acount' is not known (did you mean 'account'?)"],
    ),
    (
        "pattern = \"consecutive\"\nevent = \"charge_failed\"\nper = \"room\"",
        &[
            "7:7 error[unknown-value] 'room' is not known (use one of: device, channel, site, account, contact, event.NAME)",
        ],
    ),
    (
        "pattern = \"consecutive\"\nevent = \"charge_failed\"\nper = 3",
        &["7:7 error[wrong-type] 'per' is a whole number, not a text (write per = \"device\")"],
    ),
    (
        "pattern = \"consecutive\"\nevent = \"charge_failed\"\nnot_while = \"maintenence\"",
        &["7:13 error[unknown-value] 'maintenence' is not known (did you mean 'maintenance'?)"],
    ),
    (
        "pattern = \"consecutive\"\nevent = \"charge_failed\"\nnot_while = true",
        &[
            "7:13 error[wrong-type] 'not_while' is true or false, not a text (write not_while = \"maintenance\")",
        ],
    ),
    (
        "pattern = \"consecutive\"\nevent = \"charge_failed\"\nnot_whlie = \"maintenance\"",
        &["7:1 error[unknown-key] [when] has no key 'not_whlie' (did you mean 'not_while'?)"],
    ),
    (
        "pattern = \"consecutive\"\nevent = \"charge_failed\"\nwhere = 'event.energy_wh / 0 > 1'",
        &[
            "7:10 error[division-by-zero] event.energy_wh / 0 divides by zero (divide by another number)",
        ],
    ),
    (
        "pattern = \"consecutive\"\nevent = \"charge_failed\"\nwhere = 'event.code.matches(\"(a+\")'",
        &[
            "7:29 error[regular-expression] the regular expression is wrong at its character 1: unclosed group (write one such as r\"^EV-[0-9]+$\")",
        ],
    ),
    (
        "pattern = \"consecutive\"\nevent = \"charge_failed\"\nwhere = 'event.code.matches(\"(a{999}){999}\")'",
        &[
            "7:29 error[regular-expression-too-big] the regular expression takes more than 256 KiB (repeat less, name fewer letters ([0-9a-z] for \\w), or use startsWith)",
        ],
    ),
    (
        "pattern = \"consecutive\"\nevent = \"charge_failed\"\nwhere = 'event.energy_wh / (1 - 1) > 1'",
        &[
            "7:10 error[division-by-zero] event.energy_wh / (1 - 1 divides by zero (divide by another number)",
        ],
    ),
    (
        "pattern = \"sequence\"\nsteps = [{ event = \"visit_recorded\" }, { event = \"charge_failed\" }]\nnot = [{ event = \"charge_failed\" }]",
        &[
            "7:7 error[never-holds] 'not' forbids charge_failed, which is step 2: it can never come (leave it out of 'not', or say with 'where' which of them is forbidden)",
        ],
    ),
    (
        "pattern = \"sequence\"\nsteps = [{ event = \"visit_recorded\" }, { any = [{ event = \"charge_failed\", where = 'event.code == \"OtherError\"' }, { event = \"charge_ok\" }] }, { event = \"visit_recorded\" }]\nnot = [{ event = \"charge_failed\", where = 'event.code == \"OtherError\"' }, { event = \"charge_ok\" }]",
        &[
            "7:7 error[never-holds] 'not' forbids charge_failed and charge_ok, which is step 2: it can never come (leave it out of 'not', or say with 'where' which of them is forbidden)",
        ],
    ),
    (
        "pattern = \"seqence\"\nsteps = [{ event = \"charge_failed\" }]",
        &[
            "5:11 error[unknown-value] 'seqence' is not known (did you mean 'sequence'?)",
            "6:9 error[out-of-range] 'steps' lists 1, not 2 to 15 (write steps = [{ event = \"visit_recorded\" }, { event = \"charge_failed\" }])",
        ],
    ),
    (
        "pattern = \"tumbling\"\nevent = \"charge_failed\"\nfor = \"1h\"\ncolour = 1",
        &[
            "5:11 error[unknown-value] 'tumbling' is not known (use one of: consecutive, count, sequence, absence, sustained, change)",
            "8:1 error[unknown-key] [when] has no key 'colour' (use one of: above, after, all, any, below, change, clear, event, fall, for, measure, not, not_while, pattern, per, reset_by, rise, steps, times, value, where, within)",
        ],
    ),
    (
        "event = \"charge_failed\"\nfor = \"1h\"",
        &[
            "4:1 error[missing-key] [when] has no 'pattern', which is required (add pattern = \"consecutive\")",
        ],
    ),
    (
        "pattern = 3\nevent = \"charge_failed\"",
        &[
            "5:11 error[wrong-type] 'pattern' is a whole number, not a text (write pattern = \"consecutive\")",
        ],
    ),
    (
        "pattern = \"count\"",
        &[
            "4:1 error[missing-key] [when] has none of 'event', 'any', 'all'; one is required (add event = \"charge_failed\")",
        ],
    ),
    (
        "pattern = \"count\"\nal = [{ event = \"charge_failed\" }]",
        &["6:1 error[unknown-key] [when] has no key 'al' (did you mean 'all'?)"],
    ),
    (
        "pattern = \"count\"\nall = []",
        &[
            "6:7 error[out-of-range] 'all' lists 0, not 1 to 15 (write all = [{ event = \"charge_failed\" }, { event = \"ticket_opened\" }])",
        ],
    ),
    (
        "pattern = \"count\"\nall = { event = \"charge_failed\" }",
        &[
            "6:7 error[wrong-type] 'all' is a table, not a list of tables (write all = [{ event = \"charge_failed\" }, { event = \"ticket_opened\" }])",
        ],
    ),
    (
        "pattern = \"count\"\nall = [{}]",
        &[
            "6:8 error[missing-key] a step has none of 'event', 'any'; one is required (add event = \"charge_failed\")",
        ],
    ),
    (
        "pattern = \"count\"\nall = [{ event = \"charge_failed\" }]\nevent = \"charge_ok\"",
        &["6:7 error[conflicting-keys] 'event' and 'all' exclude each other (keep one of them)"],
    ),
    (
        "pattern = \"count\"\nall = [{ event = \"charge_failed\" }]\nwhere = 'true'",
        &[
            "7:9 error[conflicting-keys] 'where' and 'all' exclude each other (write it in each test: { event = \"charge_failed\", where = '…' })",
        ],
    ),
    (
        "pattern = \"count\"\nall = [{ event = \"charge_failed\", any = [{ event = \"charge_ok\" }] }]",
        &["6:41 error[conflicting-keys] 'event' and 'any' exclude each other (keep one of them)"],
    ),
    (
        "pattern = \"count\"\nevent = \"charge_failed\"\nwithin = \"401d\"",
        &["7:10 error[bad-duration] '401d' is longer than 400 days (write at most \"400d\")"],
    ),
    (
        "pattern = \"sequence\"",
        &[
            "4:1 error[missing-key] [when] has no 'steps', which is required (add steps = [{ event = \"visit_recorded\" }, { event = \"charge_failed\" }])",
        ],
    ),
    (
        "pattern = \"sequence\"\nstep = [{ event = \"visit_recorded\" }, { event = \"charge_failed\" }]",
        &["6:1 error[unknown-key] [when] has no key 'step' (did you mean 'steps'?)"],
    ),
    (
        "pattern = \"sequence\"\nsteps = [{ event = \"charge_failed\" }]",
        &[
            "6:9 error[out-of-range] 'steps' lists 1, not 2 to 15 (write steps = [{ event = \"visit_recorded\" }, { event = \"charge_failed\" }])",
        ],
    ),
    (
        "pattern = \"sequence\"\nsteps = \"charge_failed\"",
        &[
            "6:9 error[wrong-type] 'steps' is a text, not a list of tables (write steps = [{ event = \"visit_recorded\" }, { event = \"charge_failed\" }])",
        ],
    ),
    (
        "pattern = \"sequence\"\nsteps = [{ event = \"visit_recorded\" }, { evnt = \"charge_failed\" }]",
        &["6:42 error[unknown-key] a step has no key 'evnt' (did you mean 'event'?)"],
    ),
    (
        "pattern = \"sequence\"\nsteps = [{ event = \"visit_recorded\" }, { event = \"charge_failed\" }]\nevent = \"charge_failed\"",
        &[
            "7:1 error[key-of-other-pattern] 'event' belongs to consecutive, count, absence, sustained or change, not to sequence (leave it out; sequence has steps, not, within)",
        ],
    ),
    (
        "pattern = \"sequence\"\nsteps = [{ event = \"visit_recorded\" }, { event = \"charge_failed\" }]\ntimes = 3",
        &[
            "7:1 error[key-of-other-pattern] 'times' belongs to consecutive or count, not to sequence (leave it out; sequence has steps, not, within)",
        ],
    ),
    (
        "pattern = \"sequence\"\nsteps = [{ event = \"visit_recorded\" }, { event = \"charge_failed\" }]\nnot = []",
        &[
            "7:7 error[out-of-range] 'not' lists 0, not 1 to 16 (write not = [{ event = \"charge_ok\" }])",
        ],
    ),
    (
        "pattern = \"sequence\"\nsteps = [{ event = \"visit_recorded\" }, { event = \"charge_failed\" }]\nnot = [{ any = [{ event = \"charge_ok\" }] }]",
        &[
            "7:8 error[missing-key] a test has no 'event', which is required (add event = \"charge_failed\")",
            "7:10 error[unknown-key] a test has no key 'any' (use one of: event, where)",
        ],
    ),
    (
        "pattern = \"sequence\"\nsteps = [{ event = \"visit_recorded\" }, { event = \"charge_failed\" }]\nnot = \"charge_ok\"",
        &[
            "7:7 error[wrong-type] 'not' is a text, not a list of tables (write not = [{ event = \"charge_ok\" }])",
        ],
    ),
    (
        "pattern = \"sequence\"\nsteps = [{ event = \"visit_recorded\" }, { event = \"charge_failed\" }]\nnto = [{ event = \"charge_ok\" }]",
        &["7:1 error[unknown-key] [when] has no key 'nto' (did you mean 'not'?)"],
    ),
    (
        "pattern = \"sequence\"\nsteps = [{ event = \"visit_recorded\" }, { event = \"charge_failed\" }]\nwithin = \"0s\"",
        &["7:10 error[bad-duration] 'within' is no time at all (write \"24h\")"],
    ),
    (
        "pattern = \"absence\"\nevent = \"heartbeat\"",
        &["4:1 error[missing-key] [when] has no 'for', which is required (add for = \"1h\")"],
    ),
    (
        "pattern = \"absence\"\nfor = \"1h\"",
        &[
            "4:1 error[missing-key] [when] has none of 'event', 'any'; one is required (add event = \"charge_failed\")",
        ],
    ),
    (
        "pattern = \"absence\"\nevent = \"heartbeat\"\nfor = \"0s\"",
        &["7:7 error[bad-duration] 'for' is no time at all (write \"1h\")"],
    ),
    (
        "pattern = \"absence\"\nevent = \"heartbeat\"\nfor = 60",
        &["7:7 error[wrong-type] 'for' is a whole number, not a text (write for = \"1h\")"],
    ),
    (
        "pattern = \"absence\"\nevent = \"heartbeat\"\nfor = \"1h\"\ntimes = 3",
        &[
            "8:1 error[key-of-other-pattern] 'times' belongs to consecutive or count, not to absence (leave it out; absence has event, where, any, for, after)",
        ],
    ),
    (
        "pattern = \"absence\"\nevent = \"heartbeat\"\nfro = \"1h\"",
        &["7:1 error[unknown-key] [when] has no key 'fro' (did you mean 'for'?)"],
    ),
    (
        "pattern = \"absence\"\nevent = \"heartbeat\"\nfor = \"1h\"\nafter = \"boot\"",
        &[
            "8:9 error[wrong-type] 'after' is a text, not a table (write after = { event = \"session_start\" })",
        ],
    ),
    (
        "pattern = \"absence\"\nevent = \"heartbeat\"\nfor = \"1h\"\nafter = {}",
        &[
            "8:9 error[missing-key] 'after' has none of 'event', 'any'; one is required (add event = \"charge_failed\")",
        ],
    ),
    (
        "pattern = \"absence\"\nevent = \"heartbeat\"\nfor = \"1h\"\nafter = { event = \"boot\", within = \"1h\" }",
        &["8:27 error[unknown-key] 'after' has no key 'within' (use one of: any, event, where)"],
    ),
    (
        "pattern = \"absence\"\nevent = \"heartbeat\"\nfor = \"1h\"\naftr = { event = \"boot\" }",
        &["8:1 error[unknown-key] [when] has no key 'aftr' (did you mean 'after'?)"],
    ),
    (
        "pattern = \"sustained\"\nevent = \"meter\"",
        &[
            "4:1 error[missing-key] [when] has no 'value', which is required (add value = \"event.temperature\")",
            "4:1 error[missing-key] [when] has none of 'above', 'below'; one is required (add above = 80)",
            "4:1 error[missing-key] [when] has no 'for', which is required (add for = \"1h\")",
        ],
    ),
    (
        "pattern = \"sustained\"\nevent = \"meter\"\nvalue = \"event.meter_wh\"\nabove = 80\nbelow = 5\nfor = \"15m\"",
        &["9:9 error[conflicting-keys] 'above' and 'below' exclude each other (keep one of them)"],
    ),
    (
        "pattern = \"sustained\"\nevent = \"meter\"\nvalue = \"event.meter_wh\"\nabove = \"80\"\nfor = \"15m\"",
        &["8:9 error[wrong-type] 'above' is a text, not a number (write above = 80)"],
    ),
    (
        "pattern = \"sustained\"\nevent = \"meter\"\nvalue = \"event.meter_wh\"\nabove = inf\nfor = \"15m\"",
        &["8:9 error[out-of-range] 'above' is no finite number (write above = 80)"],
    ),
    (
        "pattern = \"sustained\"\nevent = \"meter\"\nvalue = \"event.meter_wh\"\nbelow = nan\nfor = \"15m\"",
        &["8:9 error[out-of-range] 'below' is no finite number (write below = 5)"],
    ),
    (
        "pattern = \"sustained\"\nevent = \"meter\"\nvalue = \"event.meter_wh\"\nabove = 80\nclear = 80.5\nfor = \"15m\"",
        &[
            "9:9 error[clear-on-bad-side] 'clear' is 80.5, on the bad side of above = 80 (write clear = 80 or less)",
        ],
    ),
    (
        "pattern = \"sustained\"\nevent = \"meter\"\nvalue = \"event.meter_wh\"\nbelow = 5\nclear = 4\nfor = \"15m\"",
        &[
            "9:9 error[clear-on-bad-side] 'clear' is 4, on the bad side of below = 5 (write clear = 5 or more)",
        ],
    ),
    (
        "pattern = \"sustained\"\nevent = \"meter\"\nvalue = \"event.meter_wh\"\nabove = 80\nclear = true\nfor = \"15m\"",
        &["9:9 error[wrong-type] 'clear' is true or false, not a number (write clear = 75)"],
    ),
    (
        "pattern = \"sustained\"\nevent = \"meter\"\nvalue = \"event.meter_wh\"\nabov = 80\nfor = \"15m\"",
        &["8:1 error[unknown-key] [when] has no key 'abov' (did you mean 'above'?)"],
    ),
    (
        "pattern = \"sustained\"\nevent = \"meter\"\nvalue = \"event.meter_wh\"\nabove = 80\nfor = \"15m\"\nwithin = \"1h\"",
        &[
            "10:1 error[key-of-other-pattern] 'within' belongs to consecutive, count, sequence or change, not to sustained (leave it out; sustained has event, where, any, value, above, below, clear, for)",
        ],
    ),
    (
        "pattern = \"sustained\"\nevent = \"meter\"\nvalue = \"event.meter_wh + 1\"\nabove = 80\nfor = \"15m\"",
        &[
            "7:10 error[not-a-name] 'event.meter_wh + 1' is not one name (name one number: event.temperature)",
        ],
    ),
    (
        "pattern = \"sustained\"\nevent = \"meter\"\nvalue = \"event.info\"\nabove = 80\nfor = \"15m\"",
        &[
            "7:10 warning[condition-type] event.info is a text, not a number (name a number: event.temperature)",
        ],
    ),
    (
        "pattern = \"sustained\"\nevent = \"meter\"\nvalue = \"event.temperatur\"\nabove = 80\nfor = \"15m\"",
        &[
            "7:16 warning[unknown-attribute] no source is known to send 'temperatur' with meter (check its spelling; native JSON may send it)",
        ],
    ),
    (
        "pattern = \"sustained\"\nevent = \"meter\"\nvalue = \"device.model\"\nabove = 80\nfor = \"15m\"",
        &[
            "7:10 error[condition-type] device.model is a text, not a number (name a number: event.temperature)",
        ],
    ),
    (
        "pattern = \"sustained\"\nevent = \"meter\"\nvalue = 3\nabove = 80\nfor = \"15m\"",
        &[
            "7:9 error[wrong-type] 'value' is a whole number, not a text (write value = \"event.temperature\")",
        ],
    ),
    (
        "pattern = \"sustained\"\nevent = \"meter\"\nvale = \"event.meter_wh\"\nabove = 80\nfor = \"15m\"",
        &["7:1 error[unknown-key] [when] has no key 'vale' (did you mean 'value'?)"],
    ),
    (
        "pattern = \"change\"\nevent = \"meter\"\nvalue = \"event.meter_wh\"",
        &[
            "4:1 error[missing-key] [when] has none of 'rise', 'fall', 'change'; one is required (add rise = 10)",
            "4:1 error[missing-key] [when] has no 'within', which is required (add within = \"24h\")",
        ],
    ),
    (
        "pattern = \"change\"\nevent = \"meter\"\nvalue = \"event.meter_wh\"\nrise = 10\nfall = 5\nchange = 3\nwithin = \"1h\"",
        &[
            "9:8 error[conflicting-keys] 'rise' and 'fall' exclude each other (keep one of them)",
            "10:10 error[conflicting-keys] 'rise' and 'change' exclude each other (keep one of them)",
        ],
    ),
    (
        "pattern = \"change\"\nevent = \"meter\"\nvalue = \"event.meter_wh\"\nrise = -10\nwithin = \"1h\"",
        &[
            "8:8 error[out-of-range] 'rise' is -10, not more than 0 (write how much, without a sign; 'rise' and 'fall' say which way)",
        ],
    ),
    (
        "pattern = \"change\"\nevent = \"meter\"\nvalue = \"event.meter_wh\"\nfall = 0\nwithin = \"1h\"",
        &[
            "8:8 error[out-of-range] 'fall' is 0, not more than 0 (write how much, without a sign; 'rise' and 'fall' say which way)",
        ],
    ),
    (
        "pattern = \"change\"\nevent = \"meter\"\nvalue = \"event.meter_wh\"\nchange = \"10\"\nwithin = \"1h\"",
        &["8:10 error[wrong-type] 'change' is a text, not a number (write change = 10)"],
    ),
    (
        "pattern = \"change\"\nevent = \"meter\"\nvalue = \"event.meter_wh\"\nriese = 10\nwithin = \"1h\"",
        &["8:1 error[unknown-key] [when] has no key 'riese' (did you mean 'rise'?)"],
    ),
    (
        "pattern = \"change\"\nevent = \"meter\"\nvalue = \"event.meter_wh\"\nrise = 10\nwithin = \"1h\"\nmeasure = \"slop\"",
        &["10:11 error[unknown-value] 'slop' is not known (did you mean 'slope'?)"],
    ),
    (
        "pattern = \"change\"\nevent = \"meter\"\nvalue = \"event.meter_wh\"\nrise = 10\nwithin = \"1h\"\nmesure = \"slope\"",
        &["10:1 error[unknown-key] [when] has no key 'mesure' (did you mean 'measure'?)"],
    ),
    (
        "pattern = \"change\"\nevent = \"meter\"\nvalue = \"event.meter_wh\"\nabove = 10\nrise = 10\nwithin = \"1h\"",
        &[
            "8:1 error[key-of-other-pattern] 'above' belongs to sustained, not to change (leave it out; change has event, where, any, value, rise, fall, change, measure, within)",
        ],
    ),
];
