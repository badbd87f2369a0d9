//! What is particular to `HubSpot`, Odoo and Salesforce.

use serde_json::{Value, json};
use upturn_connectors::deliver::letter::Recipient;
use upturn_connectors::deliver::{Channel, Failure};

use crate::channels::{self, CANARY, Site, letter, now};
use crate::server::{self, Server};
use crate::systems::{TASK_ID, TOKEN, asked, play, remote, step};

fn with(channel: &str, url: &str, set: &[(&str, Value)]) -> Box<dyn Channel> {
    let site = Site::new(url);
    let mut settings = site.settings(channel);
    for (name, value) in set {
        settings[*name] = value.clone();
    }
    channels::build(channel, &settings).unwrap()
}

#[tokio::test]
async fn hubspot_finds_by_a_property_of_its_own_and_takes_conflict_for_success() {
    let get = "GET /crm/v3/objects/tasks/upturn:task:t1";
    let create = "POST /crm/v3/objects/tasks";
    let none = json!({"category": "OBJECT_NOT_FOUND", "message": "Object not found."});
    let server = play(vec![
        step(get, 404, none),
        step(create, 409, json!({"category": "CONFLICT", "message": "already has that value"})),
        step(get, 200, json!({"id": "512", "properties": {}})),
    ]);
    let server = server.await;
    let set = [
        ("reference_property", json!("upturn_reference")),
        ("owners", json!({"mei": "64492917"})),
        ("associations", json!([{"object_id": 101, "type_id": 204}])),
    ];
    let mut letter = letter("task-created");
    letter.recipient = Some(Recipient { id: "mei".to_owned(), name: None, email: None });
    let receipt = with("hubspot", &server.url, &set).send(&letter, now()).await.unwrap();
    assert_eq!(remote(&receipt), Some("512"));
    let bodies = asked("property", &server, &[get, create, get]);
    let expected = json!({
        "properties": {
            "hs_timestamp": "2026-11-22T18:00:00.000Z",
            "hs_task_subject": "New task: charging failed",
            "hs_task_body": "Device: &#60;at user_id=&#34;all&#34;&#62;@all [x](https://evil.example)\
                             <br>https://upturn.example/tasks/t1",
            "hs_task_status": "NOT_STARTED",
            "hs_task_priority": "HIGH",
            "hubspot_owner_id": "64492917",
            "upturn_reference": "upturn:task:t1",
        },
        "associations": [{
            "to": {"id": 101},
            "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 204}],
        }],
    });
    assert_eq!(bodies[1], expected);
    let request = &server.asked()[0];
    assert_eq!(request.uri.query(), Some("idProperty=upturn_reference"));
    assert_eq!(request.header("authorization"), "Bearer S3CR3T-canary-token");
}

#[tokio::test]
async fn odoo_is_called_as_its_documentation_shows() {
    let search = "POST /json/2/mail.activity/search_read";
    let create = "POST /json/2/mail.activity/create";
    let server = play(vec![step(search, 200, json!([])), step(create, 200, json!([25]))]).await;
    with("odoo", &server.url, &[("user_id", json!(3))])
        .send(&letter("task-created"), now())
        .await
        .unwrap();
    let request = &server.asked()[0];
    assert_eq!(request.header("authorization"), "bearer S3CR3T-canary-token");
    assert_eq!(request.header("x-odoo-database"), "sales");
    let bodies = asked("odoo", &server, &[search, create]);
    let hidden_too = json!({"active_test": false});
    let expected = json!({
        "context": hidden_too, "domain": [["summary", "ilike", "[upturn:task:t1]"]],
        "fields": ["id", "summary"], "order": "id", "limit": 100,
    });
    assert_eq!(bodies[0], expected);
    let values = &bodies[1]["vals_list"][0];
    assert_eq!(values["summary"], "New task: charging failed [upturn:task:t1]");
    assert_eq!(values["date_deadline"], "2026-11-23", "by the clock of the site");
    let ids = ["res_model_id", "res_id", "activity_type_id", "user_id"].map(|name| &values[name]);
    assert_eq!(ids, [&json!(1), &json!(7), &json!(4), &json!(3)]);
}

#[tokio::test]
async fn odoo_says_why_it_refuses() {
    let error = |name: &str, message: &str| json!({"name": name, "message": message, "debug": "Traceback: S3CR3T-canary-token"});
    let cases = [
        (401, error("werkzeug.exceptions.Unauthorized", "Invalid apikey"), false),
        (403, error("odoo.exceptions.AccessError", "You may not"), false),
        (422, error("odoo.exceptions.ValidationError", "A deadline is needed"), true),
        (500, error("odoo.exceptions.UserError", "The user has no access"), true),
        (500, error("builtins.ValueError", "Invalid field"), false),
    ];
    for (status, body, is_refused) in cases {
        let said = body.clone();
        let server = Server::start(move |_| server::json(status, &said)).await;
        let channel = Site::new(&server.url).channel("odoo");
        let failure = channel.send(&letter("task-created"), now()).await.unwrap_err();
        assert_eq!(matches!(failure, Failure::Refused { .. }), is_refused, "{body}: {failure:?}");
        let text = failure.to_string();
        assert!(text.contains(body["message"].as_str().unwrap()), "{text}");
        assert!(!text.contains("Traceback"), "{text}");
    }
}

#[tokio::test]
async fn salesforce_signs_in_once_and_again_when_its_token_has_ended() {
    let query = "GET /services/data/v62.0/query";
    let nothing = json!({"totalSize": 0, "done": true, "records": []});
    let ended =
        json!([{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]);
    let token = |name: &str| step(TOKEN, 200, json!({"access_token": format!("{CANARY}-{name}")}));
    let server = play(vec![
        token("one"),
        step(query, 200, nothing.clone()),
        step(query, 200, nothing.clone()),
        step(query, 401, ended.clone()),
        token("two"),
        step(query, 200, nothing),
        step(query, 401, ended.clone()),
        token("three"),
        step(query, 401, ended),
    ]);
    let server = server.await;
    let channel = Site::new(&server.url).channel("salesforce");
    for _ in 0..3 {
        channel.test(now()).await.unwrap();
    }
    let failure = channel.test(now()).await.unwrap_err();
    assert!(failure.to_string().contains("Session expired"), "{failure}");
    let seen = server.asked();
    let form = format!(
        "grant_type=client_credentials&client_id={CANARY}-id&client_secret={CANARY}%2B%2F%3D%26secret"
    );
    assert_eq!(seen[0].body, form);
    let tokens: Vec<_> = seen
        .iter()
        .filter(|asked| asked.line() != TOKEN)
        .map(|asked| asked.header("authorization"))
        .collect();
    let names = ["one", "one", "one", "two", "two", "three"];
    assert_eq!(tokens, names.map(|name| format!("Bearer {CANARY}-{name}")));
    assert!(!format!("{channel:?}").contains(CANARY), "{channel:?}");
}

#[tokio::test]
async fn salesforce_makes_or_changes_by_an_external_id() {
    let query = "GET /services/data/v62.0/query";
    let upsert = "PATCH /services/data/v62.0/sobjects/Task/Upturn__c/upturn:task:t1";
    let nothing = json!({"totalSize": 0, "done": true, "records": []});
    let created = json!({"id": TASK_ID, "success": true, "created": true, "errors": []});
    let found = json!({"records": [{"Id": TASK_ID, "Subject": null}]});
    let token = || step(TOKEN, 200, json!({"access_token": "t"}));
    let set = [("reference_field", json!("Upturn__c"))];
    for (status, answer) in [(201, created), (204, json!(null))] {
        let server = play(vec![
            token(),
            step(query, 200, nothing.clone()),
            step(upsert, status, answer),
            step(query, 200, found.clone()),
        ]);
        let server = server.await;
        let channel = with("salesforce", &server.url, &set);
        let receipt = channel.send(&letter("task-created"), now()).await.unwrap();
        assert_eq!(remote(&receipt), Some("00TD000000IqhSLIAZ"));
        assert_eq!(receipt.url, Some(format!("{}/00TD000000IqhSLIAZ", server.url)));
        let asked = server.asked();
        let soql = "SELECT Id, Subject FROM Task WHERE Upturn__c = 'upturn:task:t1' \
                    ORDER BY CreatedDate LIMIT 100";
        let query: String = url::form_urlencoded::byte_serialize(soql.as_bytes()).collect();
        assert_eq!(asked[1].uri.query(), Some(&*format!("q={query}")));
        let expected = json!({
            "Subject": "New task: charging failed", "Priority": "High", "ActivityDate": "2026-11-23",
            "Description": "Device: <at user_id=\"all\">@all [x](https://evil.example)\n\
                            https://upturn.example/tasks/t1",
        });
        assert_eq!(asked[2].json(), expected);
    }
}

#[tokio::test]
async fn salesforce_says_what_its_codes_mean() {
    let pause = upturn_connectors::http::PAUSE_MAX;
    let cases = [
        (
            403,
            "REQUEST_LIMIT_EXCEEDED",
            Some(Failure::Later { reason: String::new(), after: Some(pause) }),
        ),
        (400, "UNABLE_TO_LOCK_ROW", Some(Failure::later(""))),
        (400, "REQUIRED_FIELD_MISSING", Some(Failure::refused(""))),
    ];
    for (status, code, expected) in cases {
        let server = Server::start(move |asked| match asked.uri.path() {
            "/services/oauth2/token" => channels::granted(),
            _ => server::json(status, &json!([{"errorCode": code, "message": "so it is"}])),
        });
        let server = server.await;
        let channel = Site::new(&server.url).channel("salesforce");
        let failure = channel.send(&letter("task-created"), now()).await.unwrap_err();
        assert!(failure.to_string().contains("so it is"), "{code}: {failure}");
        let bare = match failure {
            Failure::Later { after, .. } => Failure::Later { reason: String::new(), after },
            Failure::Refused { .. } => Failure::refused(""),
            Failure::Off { .. } => Failure::Off { reason: String::new() },
        };
        assert_eq!(Some(bare), expected, "{code}");
    }
    let unsuccessful = json!({"id": TASK_ID, "success": false, "errors": [{"message": "no"}]});
    let server = Server::start(move |asked| match asked.uri.path() {
        "/services/oauth2/token" => channels::granted(),
        path if path.ends_with("/query") => server::json(200, &json!({"records": []})),
        _ => server::json(200, &unsuccessful),
    });
    let server = server.await;
    let channel = Site::new(&server.url).channel("salesforce");
    let failure = channel.send(&letter("task-created"), now()).await.unwrap_err();
    assert!(matches!(failure, Failure::Later { .. }), "{failure:?}");
}
