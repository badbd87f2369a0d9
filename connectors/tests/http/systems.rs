//! Systems that keep records: what each is asked, and what it answers.

use std::collections::VecDeque;
use std::sync::Mutex;

use axum::response::Response;
use serde_json::{Value, json};

use crate::channels::CANARY;
use crate::server::{self, Asked, Server, say};

/// What is asked, and what is answered to it; none cuts the connection.
pub(crate) struct Step(pub(crate) &'static str, pub(crate) Option<(u16, Value)>);

pub(crate) const TOKEN: &str = "POST /services/oauth2/token";
pub(crate) const TASK_ID: &str = "00TD000000IqhSLIAZ";

pub(crate) fn step(line: &'static str, status: u16, body: Value) -> Step {
    Step(line, Some((status, body)))
}

/// Starts a server that is asked just these things in this order.
pub(crate) async fn play(steps: Vec<Step>) -> Server {
    let steps = Mutex::new(VecDeque::from(steps));
    Server::start(move |asked| {
        let step = steps.lock().unwrap().pop_front();
        match step {
            Some(Step(line, answer)) if line == asked.line() => reply(answer),
            Some(Step(line, _)) => say(418, format!("{} and not {line}", asked.line())),
            None => say(418, format!("{} was not expected", asked.line())),
        }
    })
    .await
}

fn reply(answer: Option<(u16, Value)>) -> Response {
    match answer {
        Some((204, _)) => say(204, ""),
        Some((status, body)) => server::json(status, &body),
        None => say(200, server::torn("{\"id\"")),
    }
}

/// A system, and how it says the same things as the others.
pub(crate) struct System {
    pub(crate) kind: &'static str,
    /// Asked first, once.
    pub(crate) before: Option<Step>,
    pub(crate) search: &'static str,
    pub(crate) nothing: Value,
    /// What a search finds: a title in which a device wrote our mark, a near miss, and our record.
    pub(crate) found: Value,
    pub(crate) create: &'static str,
    pub(crate) created: (u16, Value),
    pub(crate) update: &'static str,
    pub(crate) updated: (u16, Value),
    pub(crate) gone: (u16, Value),
    pub(crate) id: &'static str,
}

impl System {
    pub(crate) fn steps(&mut self, steps: Vec<Step>) -> Vec<Step> {
        self.before.take().into_iter().chain(steps).collect()
    }
}

pub(crate) fn systems() -> [System; 4] {
    let summary = |id: i64, mark: &str| json!({"id": id, "summary": format!("x {mark}")});
    let activities = json!([
        summary(23, "[upturn:task:t1] [upturn:task:t2]"),
        summary(24, "[upturn-task-t1]"),
        summary(25, "[upturn:task:t1]"),
        summary(26, "[upturn:task:t1]"),
    ]);
    let activity = System {
        search: "POST /json/2/mail.activity/search_read",
        found: activities,
        create: "POST /json/2/mail.activity/create",
        update: "POST /json/2/mail.activity/write",
        ..odoo("odoo")
    };
    let lead = System {
        search: "POST /json/2/crm.lead/search_read",
        found: json!([{"id": 25, "referred": "upturn:task:t1"}]),
        create: "POST /json/2/crm.lead/create",
        update: "POST /json/2/crm.lead/write",
        ..odoo("odoo-lead")
    };
    [hubspot(), activity, lead, salesforce()]
}

pub(crate) fn system(kind: &str) -> System {
    systems().into_iter().find(|system| system.kind == kind).unwrap()
}

fn hubspot() -> System {
    let task = |id: &str, mark: &str| json!({"id": id, "properties": {"hs_task_subject": format!("x {mark}")}});
    let tasks = [
        task("510", "[upturn:task:t1] [upturn:task:t2]"),
        task("511", "[upturn:task:t12]"),
        task("512", "[upturn:task:t1]"),
        task("513", "[upturn:task:t1]"),
    ];
    System {
        kind: "hubspot",
        before: None,
        search: "POST /crm/v3/objects/tasks/search",
        nothing: json!({"total": 0, "results": []}),
        found: json!({"total": 4, "results": tasks}),
        create: "POST /crm/v3/objects/tasks",
        created: (201, json!({"id": "512", "properties": {}, "archived": false})),
        update: "PATCH /crm/v3/objects/tasks/512",
        updated: (200, json!({"id": "512", "properties": {}})),
        gone: (404, json!({"category": "OBJECT_NOT_FOUND", "message": "Object not found."})),
        id: "512",
    }
}

fn odoo(kind: &'static str) -> System {
    let gone = json!({"name": "odoo.exceptions.MissingError", "message": "Record is gone"});
    System {
        kind,
        before: None,
        search: "",
        nothing: json!([]),
        found: json!([]),
        create: "",
        created: (200, json!([25])),
        update: "",
        updated: (200, json!(true)),
        gone: (404, gone),
        id: "25",
    }
}

fn salesforce() -> System {
    let token = json!({"access_token": format!("{CANARY}-session"), "token_type": "Bearer"});
    let task = |id: &str, mark: &str| json!({"attributes": {"type": "Task"}, "Id": id, "Subject": format!("x {mark}")});
    let tasks = [
        task("00TD000000IqhSLIA0", "[upturn:task:t1] [upturn:task:t2]"),
        task("00TD000000IqhSLIA1", "[upturn_task_t1]"),
        task(TASK_ID, "[upturn:task:t1]"),
    ];
    System {
        kind: "salesforce",
        before: Some(step(TOKEN, 200, token)),
        search: "GET /services/data/v62.0/query",
        nothing: json!({"totalSize": 0, "done": true, "records": []}),
        found: json!({"totalSize": 3, "done": true, "records": tasks}),
        create: "POST /services/data/v62.0/sobjects/Task",
        created: (201, json!({"id": TASK_ID, "errors": [], "success": true})),
        update: "PATCH /services/data/v62.0/sobjects/Task/00TD000000IqhSLIAZ",
        updated: (204, json!(null)),
        gone: (404, json!([{"errorCode": "ENTITY_IS_DELETED", "message": "entity is deleted"}])),
        id: TASK_ID,
    }
}

/// Checks that the server was asked all that was expected, and returns the bodies.
pub(crate) fn asked(case: &str, server: &Server, lines: &[&str]) -> Vec<Value> {
    let seen = server.asked();
    let seen_lines: Vec<_> = seen.iter().map(Asked::line).collect();
    let lines: Vec<_> = lines.iter().filter(|line| !line.is_empty()).collect();
    let seen_lines: Vec<_> = seen_lines.iter().filter(|line| *line != TOKEN).collect();
    assert_eq!(seen_lines, lines, "{case}");
    let bodies = seen.iter().filter(|asked| asked.line() != TOKEN);
    bodies.map(|asked| serde_json::from_slice(&asked.body).unwrap_or_default()).collect()
}

pub(crate) fn remote(receipt: &upturn_connectors::deliver::Receipt) -> Option<&str> {
    receipt.remote.as_deref()
}
