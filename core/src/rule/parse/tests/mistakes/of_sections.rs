//! Mistakes in what follows `[when]`, from line 7 on, and what is said about them.

pub(in super::super) const OF_SECTIONS: &[(&str, &[&str])] = &[
    (
        "[episode]\nclose = {}\n[[then]]\ntask = \"care\"",
        &[
            "8:9 error[missing-key] 'close' says nothing (write close = { on = [\"charge_ok\"], after_quiet = \"24h\" })",
        ],
    ),
    (
        "[episode]\nclose = \"charge_ok\"\n[[then]]\ntask = \"care\"",
        &[
            "8:9 error[wrong-type] 'close' is a text, not a table (write close = { on = [\"charge_ok\"], after_quiet = \"24h\" })",
        ],
    ),
    (
        "[episode]\nclose = { on = \"charge_ok\" }\n[[then]]\ntask = \"care\"",
        &[
            "8:16 error[wrong-type] 'on' is a text, not a list of texts (write on = [\"charge_ok\"])",
        ],
    ),
    (
        "[episode]\nclose = { on = [\"charge_okk\"] }\n[[then]]\ntask = \"care\"",
        &[
            "8:17 warning[unknown-kind] no source is known to send 'charge_okk' (did you mean 'charge_ok'?)",
        ],
    ),
    (
        "[episode]\nclose = { after_quite = \"24h\" }\n[[then]]\ntask = \"care\"",
        &["8:11 error[unknown-key] 'close' has no key 'after_quite' (did you mean 'after_quiet'?)"],
    ),
    (
        "[episode]\nclose = { after_quiet = \"0s\" }\n[[then]]\ntask = \"care\"",
        &["8:25 error[bad-duration] 'after_quiet' is no time at all (write \"24h\")"],
    ),
    (
        "[episode]\nclose = { on_task_done = \"yes\" }\n[[then]]\ntask = \"care\"",
        &[
            "8:26 error[wrong-type] 'on_task_done' is a text, not true or false (write on_task_done = true)",
        ],
    ),
    (
        "[episode]\nclose = { on_task_done = false }\n[[then]]\ntask = \"care\"",
        &[
            "7:1 warning[no-cooldown] without a cooldown every further event of a run makes another task (add [episode] with cooldown = \"7d\", or \"0s\" if that is meant)",
        ],
    ),
    (
        "[episode]\nclsoe = { on = [\"charge_ok\"] }\n[[then]]\ntask = \"care\"",
        &["8:1 error[unknown-key] [episode] has no key 'clsoe' (did you mean 'close'?)"],
    ),
    (
        "[episode]\n[[then]]\ntask = \"care\"",
        &[
            "7:1 warning[no-cooldown] without a cooldown every further event of a run makes another task (add [episode] with cooldown = \"7d\", or \"0s\" if that is meant)",
        ],
    ),
    (
        "[episode]\ncooldown = \"7d\"\nreopen_within = \"1h\"\n[[then]]\ntask = \"care\"",
        &[
            "9:17 error[reopen-without-close] nothing closes the episode, so it cannot be opened again (add close = { on = [\"charge_ok\"], after_quiet = \"24h\" })",
        ],
    ),
    (
        "[episode]\ncooldown = \"7d\"\nreopen_within = \"1h\"\nclose = { on_task_done = false }\n[[then]]\ntask = \"care\"",
        &[
            "9:17 error[reopen-without-close] nothing closes the episode, so it cannot be opened again (add close = { on = [\"charge_ok\"], after_quiet = \"24h\" })",
        ],
    ),
    (
        "[episode]\ncooldown = \"7d\"\nreopen_within = 1\n[[then]]\ntask = \"care\"",
        &[
            "9:17 error[wrong-type] 'reopen_within' is a whole number, not a text (write reopen_within = \"1h\")",
        ],
    ),
    (
        "[episode]\ncooldown = \"7d\"\nreopen_whitin = \"1h\"\n[[then]]\ntask = \"care\"",
        &[
            "9:1 error[unknown-key] [episode] has no key 'reopen_whitin' (did you mean 'reopen_within'?)",
        ],
    ),
    (
        "[episode]\ncooldown = 7\n[[then]]\ntask = \"care\"",
        &[
            "8:12 error[wrong-type] 'cooldown' is a whole number, not a text (write cooldown = \"7d\")",
        ],
    ),
    (
        "[episode]\ncooldown = \"401d\"\n[[then]]\ntask = \"care\"",
        &["8:12 error[bad-duration] '401d' is longer than 400 days (write at most \"400d\")"],
    ),
    (
        "[episode]\ncooldown = \"7d\"\n[guard]\njoin_open_task_of = \"acount\"\n[[then]]\ntask = \"care\"",
        &["10:21 error[unknown-value] 'acount' is not known (did you mean 'account'?)"],
    ),
    (
        "[episode]\ncooldown = \"7d\"\n[guard]\njoin_open_task_of = true\n[[then]]\ntask = \"care\"",
        &[
            "10:21 error[wrong-type] 'join_open_task_of' is true or false, not a text (write join_open_task_of = \"account\")",
        ],
    ),
    (
        "[episode]\ncooldown = \"7d\"\n[guard]\njoin_open_tasks_of = \"account\"\n[[then]]\ntask = \"care\"",
        &[
            "10:1 error[unknown-key] [guard] has no key 'join_open_tasks_of' (did you mean 'join_open_task_of'?)",
        ],
    ),
    (
        "[episode]\ncooldown = \"7d\"\n[guard]\nnot_while_open = \"severe-ticket\"\n[[then]]\ntask = \"care\"",
        &[
            "10:18 error[wrong-type] 'not_while_open' is a text, not a list of texts (write not_while_open = [\"severe-ticket\"])",
        ],
    ),
    (
        "[episode]\ncooldown = \"7d\"\n[guard]\nnot_while_open = [\"severe_ticket\"]\n[[then]]\ntask = \"care\"",
        &[
            "10:19 error[unknown-value] 'severe_ticket' is not known (did you mean 'severe-ticket'?)",
        ],
    ),
    (
        "[episode]\ncooldown = \"7d\"\n[guard]\nmax_per_account = 1\n[[then]]\ntask = \"care\"",
        &[
            "10:19 error[wrong-type] 'max_per_account' is a whole number, not a table (write max_per_account = { tasks = 2, every = \"30d\" })",
        ],
    ),
    (
        "[episode]\ncooldown = \"7d\"\n[guard]\nmax_per_account = {}\n[[then]]\ntask = \"care\"",
        &[
            "10:19 error[missing-key] 'max_per_account' has no 'tasks', which is required (add tasks = 2)",
            "10:19 error[missing-key] 'max_per_account' has no 'every', which is required (add every = \"30d\")",
        ],
    ),
    (
        "[episode]\ncooldown = \"7d\"\n[guard]\nmax_per_account = { tasks = 0, every = \"30d\" }\n[[then]]\ntask = \"care\"",
        &["10:29 error[out-of-range] 'tasks' is 0, not 1 to 1000 (write tasks = 2)"],
    ),
    (
        "[episode]\ncooldown = \"7d\"\n[guard]\nmax_per_account = { tasks = 1001, every = \"0d\" }\n[[then]]\ntask = \"care\"",
        &[
            "10:29 error[out-of-range] 'tasks' is 1001, not 1 to 1000 (write tasks = 2)",
            "10:43 error[bad-duration] 'every' is no time at all (write \"30d\")",
        ],
    ),
    (
        "[episode]\ncooldown = \"7d\"\n[guard]\nmax_per_account = { taks = 2, every = \"a month\" }\n[[then]]\ntask = \"care\"",
        &[
            "10:21 error[unknown-key] 'max_per_account' has no key 'taks' (did you mean 'tasks'?)",
            "10:39 error[bad-duration] 'a month' is no duration (write a whole number and one of the units s, m, h, d, w: \"90s\", \"15m\", \"24h\", \"7d\", \"2w\")",
        ],
    ),
    (
        "[episode]\ncooldown = \"7d\"\n[guard]\nneeds_consent = \"yes\"\n[[then]]\ntask = \"care\"",
        &[
            "10:17 error[wrong-type] 'needs_consent' is a text, not true or false (write needs_consent = true)",
        ],
    ),
    (
        "[episode]\ncooldown = \"7d\"\n[guard]\nneed_consent = true\n[[then]]\ntask = \"care\"",
        &[
            "10:1 error[unknown-key] [guard] has no key 'need_consent' (did you mean 'needs_consent'?)",
        ],
    ),
    (
        "[episode]\ncooldown = \"7d\"\n[gaurd]\nneeds_consent = true\n[[then]]\ntask = \"care\"",
        &["9:2 error[unknown-key] the rule has no key 'gaurd' (did you mean 'guard'?)"],
    ),
    (
        "[episode]\ncooldown = \"7d\"\n[[then]]\ntask = \"care\"\ngroup_by = \"region\"",
        &[
            "11:12 error[unknown-value] 'region' is not known (use one of: site, account, event.NAME)",
        ],
    ),
    (
        "[episode]\ncooldown = \"7d\"\n[[then]]\ntask = \"care\"\ngroup_by = \"sit\"",
        &["11:12 error[unknown-value] 'sit' is not known (did you mean 'site'?)"],
    ),
    (
        "[episode]\ncooldown = \"7d\"\n[[then]]\ntask = \"care\"\ngroup_by = \"device\"",
        &[
            "11:12 error[unknown-value] 'device' is not known (use one of: site, account, event.NAME)",
        ],
    ),
    (
        "[episode]\ncooldown = \"7d\"\n[[then]]\ntask = \"care\"\ngroup_by = \"event.cod\"",
        &[
            "11:19 warning[unknown-attribute] no source is known to send 'cod' with charge_failed (did you mean 'event.code'?)",
        ],
    ),
    (
        "[episode]\ncooldown = \"7d\"\n[[then]]\ntask = \"care\"\ngroup_by = [\"site\"]",
        &["11:12 error[wrong-type] 'group_by' is a list, not a text (write group_by = \"site\")"],
    ),
    (
        "[episode]\ncooldown = \"7d\"\n[[then]]\ntask = \"care\"\ngroup_within = \"1h\"",
        &[
            "11:16 error[missing-key] 'group_within' says nothing without 'group_by' (add group_by = \"site\")",
        ],
    ),
    (
        "[episode]\ncooldown = \"7d\"\n[[then]]\ntask = \"care\"\ngroup_by = \"site\"\ngroup_within = \"0s\"",
        &["12:16 error[bad-duration] 'group_within' is no time at all (write \"1h\")"],
    ),
    (
        "[episode]\ncooldown = \"7d\"\n[[then]]\ntask = \"care\"\ngroupby = \"site\"",
        &["11:1 error[unknown-key] [[then]] has no key 'groupby' (did you mean 'group_by'?)"],
    ),
    (
        "[episode]\nclsoe = { on = [\"charge_ok\"] }\nreopen_within = \"1h\"\n[[then]]\ntask = \"care\"",
        &["8:1 error[unknown-key] [episode] has no key 'clsoe' (did you mean 'close'?)"],
    ),
    (
        "[episode]\ncooldown = \"7d\"\n[guard]\njoin_open_task_of = \"account\"\nnot_while_open = [3]\nneeds_consent = 1\n[[then]]\ntask = \"care\"",
        &[
            "11:19 error[wrong-type] 'not_while_open' is a whole number, not a text (write not_while_open = [\"severe-ticket\"])",
            "12:17 error[wrong-type] 'needs_consent' is a whole number, not true or false (write needs_consent = true)",
        ],
    ),
];
