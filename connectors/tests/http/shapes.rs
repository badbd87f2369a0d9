//! What we send against what others recorded, where those samples lie beside the repository.

use std::io::Write as _;
use std::path::Path;

use serde_json::{Value, json};
use upturn_connectors::deliver::wecom::{self, Format};
use upturn_connectors::deliver::{Failure, Receipt, dingtalk};

use crate::channels::{self, Site, letter, now};
use crate::server::{self, Server};

/// Returns the sample at `path`, if the samples are there.
fn sample(path: &str) -> Option<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/sales");
    let Ok(text) = std::fs::read_to_string(folder.join(path)) else {
        // Where standard error is closed there is nobody to tell.
        drop(writeln!(std::io::stderr(), "not tested: the shape of {path}, which is not here"));
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

/// Checks that `ours` has the members of `theirs`, of the same types, however deep.
fn check(place: &str, ours: &Value, theirs: &Value) {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            for (name, theirs) in theirs {
                let place = format!("{place}.{name}");
                let ours = ours.get(name).unwrap_or_else(|| panic!("{place} is not sent"));
                check(&place, ours, theirs);
            }
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            if let (Some(ours), Some(theirs)) = (ours.first(), theirs.first()) {
                check(&format!("{place}[0]"), ours, theirs);
            }
        }
        (ours, theirs) => {
            let kind = |value: &Value| std::mem::discriminant(value);
            assert_eq!(kind(ours), kind(theirs), "{place}: {ours} and {theirs}");
        }
    }
}

/// Returns what `kind` with `settings` sends to make a record.
async fn created(kind: &'static str, set: &[(&str, Value)]) -> (Server, Value) {
    let server = Server::start(move |asked| channels::good(kind, asked)).await;
    let site = Site::new(&server.url);
    let mut settings = site.settings(kind);
    for (name, value) in set {
        settings[*name] = value.clone();
    }
    let channel = channels::build(kind, &settings).unwrap();
    channel.send(&letter("task-created"), now()).await.unwrap();
    let last = server.asked().last().unwrap().json();
    (server, last)
}

#[tokio::test]
async fn hubspot_gets_the_shape_of_its_own_example() {
    let Some(mut theirs) = sample("hubspot/create_task_request.json") else { return };
    // The type is a call in the example; without one it is a thing to do, which is meant.
    theirs["properties"].as_object_mut().unwrap().remove("hs_task_type");
    let set = [
        ("owner_id", json!("64492917")),
        ("associations", json!([{"object_id": 101, "type_id": 204}])),
    ];
    let (server, ours) = created("hubspot", &set).await;
    check("task", &ours, &theirs);

    let Some(api) = sample("hubspot/tasks_v3.openapi.json") else { return };
    for path in ["", "/search", "/batch/read", "/{taskId}"] {
        let path = format!("/crm/v3/objects/tasks{path}");
        assert!(api["paths"].get(&path).is_some(), "{path}");
    }
    let search = server.asked()[0].json();
    let needed = |name: &str| api["components"]["schemas"][name]["required"].clone();
    for (name, body) in
        [("PublicObjectSearchRequest", &search), ("SimplePublicObjectInputForCreate", &ours)]
    {
        for member in needed(name).as_array().unwrap() {
            assert!(body.get(member.as_str().unwrap()).is_some(), "{name}: {member} is not sent");
        }
    }
}

#[tokio::test]
async fn odoo_gets_the_shape_of_its_documentation() {
    let Some(theirs) = sample("odoo/json2_search_read.json") else { return };
    let (server, _) = created("odoo", &[]).await;
    let asked = &server.asked()[0];
    assert_eq!(asked.uri.path(), "/json/2/mail.activity/search_read");
    for name in theirs["headers"].as_object().unwrap().keys() {
        assert!(asked.headers.contains_key(name.to_ascii_lowercase()), "{name} is not sent");
    }
    let ours = asked.json();
    for name in ["context", "domain", "fields"] {
        assert!(ours.get(name).is_some(), "{name} is not sent");
    }
    let Some(legacy) = sample("odoo/jsonrpc_legacy_mail_activity_create.json") else { return };
    let activity = &legacy["params"]["args"][5];
    let (_, ours) = created("odoo", &[("user_id", json!(1))]).await;
    check("activity", &ours["vals_list"][0], activity);
}

#[test]
fn bots_get_the_shapes_that_were_recorded() {
    let letter = letter("task-created");
    if let Some(theirs) = sample("chat-bots/wecom_text_and_markdown.json") {
        check("text", &wecom::compose(Format::Text, &letter), &theirs[0]);
        check("markdown", &wecom::compose(Format::Markdown, &letter), &theirs[1]);
    }
    if let Some(theirs) = sample("chat-bots/dingtalk_markdown.json") {
        check("markdown", &dingtalk::compose(Format::Markdown, &letter), &theirs);
    }
}

#[tokio::test]
async fn feishu_gets_the_shape_that_was_recorded() {
    let Some(theirs) = sample("chat-bots/feishu_post_signed.json") else { return };
    let server = Server::start(|asked| channels::good("feishu", asked)).await;
    let site = Site::new(&server.url);
    site.channel("feishu").send(&letter("task-created"), now()).await.unwrap();
    check("post", &server.asked()[0].json(), &theirs);
}

/// Returns what becomes of a letter that `kind` answers with `status` and `body` to a post.
async fn answered(kind: &'static str, status: u16, body: &Value) -> Result<Receipt, Failure> {
    let body = body.clone();
    let server = Server::start(move |asked| match asked.uri.path() {
        path if path.ends_with("/oauth2/token") => channels::granted(),
        path if path.ends_with("/query") => channels::good(kind, asked),
        _ => server::json(status, &body),
    });
    let server = server.await;
    Site::new(&server.url).channel(kind).send(&letter("task-created"), now()).await
}

#[tokio::test]
async fn recorded_answers_are_understood() {
    if let Some(theirs) = sample("salesforce/create_record.json") {
        let receipt = answered("salesforce", 201, &theirs["response_201"]).await.unwrap();
        assert_eq!(receipt.remote.as_deref(), theirs["response_201"]["id"].as_str());
        let refused = answered("salesforce", 400, &theirs["error_400"]).await.unwrap_err();
        let said = theirs["error_400"][0]["message"].as_str().unwrap();
        assert_eq!(refused, Failure::refused(format!("it answered 400: {said}")));
    }
    if let Some(theirs) = sample("odoo/json2_search_read.json") {
        let later = answered("odoo", 401, &theirs["response_401"]).await.unwrap_err();
        assert!(
            matches!(&later, Failure::Later { reason, .. } if reason.ends_with("Invalid apikey"))
        );
    }
    if let Some(theirs) = sample("chat-bots/responses.json") {
        answered("feishu", 200, &theirs["feishu_ok"]).await.unwrap();
        let refused = answered("feishu", 200, &theirs["feishu_bad_body"]).await.unwrap_err();
        assert!(matches!(&refused, Failure::Refused { reason } if reason.contains("Bad Request")));
    }
}
