//! Systems that keep a record for each task: one record, whatever happens on the way.

use serde_json::json;
use upturn_connectors::deliver::channel::Progress;
use upturn_connectors::deliver::{Failure, Receipt};

use crate::channels::{self, Site, letter, now};
use crate::server::{self, Server};
use crate::systems::{Step, asked, play, remote, step, system, systems};

#[tokio::test]
async fn a_first_letter_makes_a_record_where_there_is_none() {
    for mut system in systems() {
        let (status, body) = system.created.clone();
        let steps = vec![
            step(system.search, 200, system.nothing.clone()),
            step(system.create, status, body),
        ];
        let server = play(system.steps(steps)).await;
        let channel = Site::new(&server.url).channel(system.kind);
        let receipt = channel.send(&letter("task-created"), now()).await.unwrap();
        assert_eq!((remote(&receipt), receipt.was_there), (Some(system.id), false));
        let text = asked(system.kind, &server, &[system.search, system.create])[1].to_string();
        assert!(text.contains("upturn:task:t1"), "{}: {text}", system.kind);
        let is_plain = system.kind == "salesforce";
        assert!(is_plain || !text.contains("<at"), "{}: as HTML: {text}", system.kind);
    }
}

#[tokio::test]
async fn a_record_whose_answer_was_lost_is_found_and_not_made_again() {
    for mut system in systems() {
        let steps = vec![
            step(system.search, 200, system.nothing.clone()),
            Step(system.create, None),
            step(system.search, 200, system.found.clone()),
            step(system.search, 200, system.found.clone()),
        ];
        let server = play(system.steps(steps)).await;
        let channel = Site::new(&server.url).channel(system.kind);
        let letter = letter("task-created");
        let lost = channel.send(&letter, now()).await.unwrap_err();
        assert!(matches!(lost, Failure::Later { .. }), "{}: {lost:?}", system.kind);
        for receipt in [
            channel.find(&letter).await.unwrap().unwrap(),
            channel.send(&letter, now()).await.unwrap(),
        ] {
            assert_eq!((remote(&receipt), receipt.was_there), (Some(system.id), true));
        }
        let lines = [system.search, system.create, system.search, system.search];
        asked(system.kind, &server, &lines);
    }
}

#[tokio::test]
async fn later_letters_change_the_record_there_is() {
    for mut system in systems() {
        let (status, body) = system.updated.clone();
        let steps = vec![
            step(system.update, status, body.clone()),
            step(system.search, 200, system.found.clone()),
            step(system.update, status, body),
        ];
        let server = play(system.steps(steps)).await;
        let channel = Site::new(&server.url).channel(system.kind);
        let mut amended = letter("task-amended");
        assert_eq!(channel.find(&amended).await, Ok(None), "it may be made again");
        for known in [Some(system.id.to_owned()), None] {
            amended.remote = known;
            let receipt = channel.send(&amended, now()).await.unwrap();
            assert_eq!((remote(&receipt), receipt.was_there), (Some(system.id), false));
        }
        asked(system.kind, &server, &[system.update, system.search, system.update]);
    }
}

#[tokio::test]
async fn a_record_that_was_deleted_there_stays_deleted() {
    for mut system in systems() {
        let (status, body) = system.gone.clone();
        let server = play(system.steps(vec![step(system.update, status, body)])).await;
        let channel = Site::new(&server.url).channel(system.kind);
        let mut amended = letter("task-amended");
        amended.remote = Some(system.id.to_owned());
        let refused = channel.send(&amended, now()).await.unwrap_err();
        assert!(matches!(&refused, Failure::Refused { reason } if reason.contains("deleted")));
        asked(system.kind, &server, &[system.update]);
    }
    for (kind, line) in [
        ("odoo", "POST /json/2/mail.activity/unlink"),
        ("odoo-lead", "POST /json/2/crm.lead/write"),
        ("hubspot", "PATCH /crm/v3/objects/tasks/512"),
    ] {
        let mut system = system(kind);
        let (status, body) = system.gone.clone();
        let server = play(system.steps(vec![step(line, status, body)])).await;
        let mut withdrawn = letter("task-withdrawn");
        withdrawn.remote = Some(system.id.to_owned());
        let receipt = Site::new(&server.url).channel(kind).send(&withdrawn, now()).await.unwrap();
        assert_eq!(remote(&receipt), Some(system.id), "{kind}: there is nothing to end");
    }
}

#[tokio::test]
async fn the_end_of_what_never_was_there_makes_nothing() {
    for mut system in systems() {
        let steps = vec![step(system.search, 200, system.nothing.clone())];
        let server = play(system.steps(steps)).await;
        let channel = Site::new(&server.url).channel(system.kind);
        let receipt = channel.send(&letter("task-withdrawn"), now()).await;
        assert_eq!(receipt, Ok(Receipt::default()), "{}", system.kind);
        asked(system.kind, &server, &[system.search]);
    }
}

#[tokio::test]
async fn an_id_of_another_system_is_not_called() {
    for system in systems() {
        let server = play(Vec::new()).await;
        let channel = Site::new(&server.url).channel(system.kind);
        let mut amended = letter("task-amended");
        for id in ["../../x", "7f?a=b", "", "00T000000IqhSLIA'"] {
            amended.remote = Some(id.to_owned());
            let refused = channel.send(&amended, now()).await.unwrap_err();
            assert!(matches!(refused, Failure::Refused { .. }), "{}: {id}", system.kind);
        }
        asked(system.kind, &server, &[]);
    }
}

#[tokio::test]
async fn each_end_has_its_own_way() {
    let task = "PATCH /services/data/v62.0/sobjects/Task/00TD000000IqhSLIAZ";
    let hubspot = "PATCH /crm/v3/objects/tasks/512";
    let feedback = "POST /json/2/mail.activity/action_feedback";
    let unlink = "POST /json/2/mail.activity/unlink";
    let write = "POST /json/2/crm.lead/write";
    let cases = [
        ("hubspot", "task-done", hubspot, "/properties/hs_task_status", json!("COMPLETED")),
        ("hubspot", "task-dismissed", hubspot, "/properties/hs_task_status", json!("COMPLETED")),
        ("hubspot", "task-accepted", hubspot, "/properties/hs_task_status", json!(null)),
        ("odoo", "task-done", feedback, "/ids", json!([25])),
        ("odoo", "task-dismissed", unlink, "/ids", json!([25])),
        ("odoo", "task-withdrawn", unlink, "/ids", json!([25])),
        ("odoo-lead", "task-done", write, "/vals/active", json!(null)),
        ("odoo-lead", "task-dismissed", write, "/vals/active", json!(false)),
        ("odoo-lead", "task-contradicted", write, "/vals/active", json!(null)),
        ("salesforce", "task-done", task, "/Status", json!("Completed")),
        ("salesforce", "task-withdrawn", task, "/Status", json!("Deferred")),
        ("salesforce", "task-amended", task, "/Status", json!(null)),
    ];
    for (kind, event, line, pointer, expected) in cases {
        let mut system = system(kind);
        let (status, body) = system.updated.clone();
        let server = play(system.steps(vec![step(line, status, body)])).await;
        let site = Site::new(&server.url);
        let mut settings = site.settings(kind);
        if kind == "salesforce" {
            settings["status_dismissed"] = json!("Deferred");
        }
        let channel = channels::build(kind, &settings).unwrap();
        let mut letter = letter(event);
        letter.remote = Some(system.id.to_owned());
        channel.send(&letter, now()).await.unwrap();
        let body = &asked(kind, &server, &[line])[0];
        let got = body.pointer(pointer).cloned().unwrap_or_default();
        assert_eq!(got, expected, "{kind}: {event}: {body}");
    }
}

#[tokio::test]
async fn what_was_done_there_is_told() {
    let answers = [
        (
            "hubspot",
            json!({"status": "COMPLETE", "results": [
                {"id": "1", "properties": {"hs_task_status": "COMPLETED"}, "updatedAt": "2026-11-22T10:00:00.5Z"},
                {"id": "2", "properties": {"hs_task_status": "DEFERRED"}},
                {"id": "3", "properties": {"hs_task_status": null}},
                {"id": "9", "properties": {"hs_task_status": "COMPLETED"}},
            ]}),
            ["1", "2", "3", "4"],
            "1 Done 2026-11-22 10:00:00.500 UTC, 2 Open, 3 Open",
        ),
        (
            "odoo",
            json!([{"id": 1, "active": false}, {"id": 2, "active": true}, {"id": 9, "active": false}]),
            ["1", "2", "3", "x"],
            "1 Done, 2 Open",
        ),
        (
            "odoo-lead",
            json!([
                {"id": 1, "active": true, "probability": 100.0, "date_closed": "2026-11-22 10:00:00"},
                {"id": 2, "active": false, "probability": 0.0, "date_closed": "2026-11-22 10:00:00"},
                {"id": 3, "active": true, "probability": 68.5, "date_closed": false},
            ]),
            ["1", "2", "3", "4"],
            "1 Done 2026-11-22 10:00:00 UTC, 2 Dismissed 2026-11-22 10:00:00 UTC, 3 Open",
        ),
        (
            "salesforce",
            json!({"totalSize": 2, "done": true, "records": [
                {"Id": "00T000000IqhSL1", "Status": "Completed", "IsClosed": true},
                {"Id": "00T000000IqhSL2", "Status": "In Progress", "IsClosed": false},
            ]}),
            ["00T000000IqhSL1", "00T000000IqhSL2", "00T000000IqhSL3", "' OR Id != '"],
            "00T000000IqhSL1 Done, 00T000000IqhSL2 Open",
        ),
    ];
    for (kind, answer, remotes, expected) in answers {
        let server = Server::start(move |asked| match asked.uri.path() {
            "/services/oauth2/token" => channels::granted(),
            _ => server::json(200, &answer),
        });
        let server = server.await;
        let channel = Site::new(&server.url).channel(kind);
        assert!(channel.can_be_asked());
        let states = channel.states(&remotes.map(str::to_owned)).await.unwrap();
        let said = states.iter().map(|state| {
            let progress = match state.progress {
                Progress::Open => "Open",
                Progress::Done => "Done",
                Progress::Dismissed => "Dismissed",
            };
            let at = state.at.map(|at| format!(" {at}")).unwrap_or_default();
            format!("{} {progress}{at}", state.remote)
        });
        assert_eq!(said.collect::<Vec<_>>().join(", "), expected, "{kind}");
        assert!(!server.asked().last().unwrap().uri.to_string().contains("OR"), "{kind}");
    }
}
