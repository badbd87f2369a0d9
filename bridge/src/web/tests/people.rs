//! People: their door, their tokens, who sees whose tasks, and the trail of all of it.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::api::assert_problem;
use super::site::{Answer, NAME, Site, bearer, task};
use super::writer::with_writer;
use crate::auth::person::Profile;
use crate::auth::rights::TokenScope;
use crate::auth::role::Role;
use crate::people::{self, By, NewToken};
use crate::store::audit::chain::{self, Verdict};

/// Calls the API as li.wei, who may do everything.
async fn call(site: &Site, method: &str, path: &str, body: &Value) -> Answer {
    let headers = [("authorization", &*bearer(NAME))];
    let body = if body.is_null() { String::new() } else { body.to_string() };
    site.call(method, path, &headers, &body).await
}

async fn status(site: &Site, path: &str, cookie: &str) -> StatusCode {
    site.get(path, &[("cookie", cookie)]).await.status
}

#[tokio::test]
async fn a_password_that_somebody_gave_opens_nothing_but_the_way_to_another() {
    let site = Site::with_user().await;
    let body = json!({ "id": "zoe", "roles": ["sales"], "language": "zh-CN" });
    let added = call(&site, "POST", "/api/v1/people", &body).await.json();
    assert_eq!(added["password_given"], true);
    let given = added["password"].as_str().unwrap();

    let form = format!("name=zoe&password={given}&next=%2Frules");
    let entered = site.post("/login", &form, &[]).await;
    assert_eq!(entered.status, StatusCode::SEE_OTHER);
    let language = entered.headers.get_all("set-cookie").iter();
    assert!(language.into_iter().any(|set| set.to_str().unwrap().contains("upturn_lang=zh-CN")));
    let cookie = entered.cookie();
    for path in ["/", "/tasks", "/rules"] {
        let answer = site.get(path, &[("cookie", &cookie)]).await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/me"));
    }
    let api = site.get("/api/v1/tasks", &[("cookie", &cookie)]).await;
    assert_problem(&api, StatusCode::FORBIDDEN, "password-given");
    let tokens = site.post("/me/tokens", "label=x&scope=read&days=1", &[("cookie", &cookie)]).await;
    assert_eq!(tokens.header("location"), "/me", "no way around by a token");

    let change = |current: &str, new: &str| format!("current={current}&new={new}");
    let cases = [
        (change("wrong-password", "a-better-one"), StatusCode::UNPROCESSABLE_ENTITY),
        (change(given, "short"), StatusCode::UNPROCESSABLE_ENTITY),
        (change(given, given), StatusCode::UNPROCESSABLE_ENTITY),
        (change(given, "a-better-one"), StatusCode::SEE_OTHER),
    ];
    let mut renewed = None;
    for (form, expected) in cases {
        let answer = site.post("/me/password", &form, &[("cookie", &cookie)]).await;
        assert_eq!(answer.status, expected, "case: {form}");
        renewed = (expected == StatusCode::SEE_OTHER).then(|| answer.cookie());
    }
    assert_eq!(status(&site, "/tasks", &cookie).await, StatusCode::SEE_OTHER, "the old session");
    assert_eq!(status(&site, "/tasks", &renewed.unwrap()).await, StatusCode::OK);
    assert!(!site.holds(given) && !site.holds("a-better-one"));
}

#[tokio::test]
async fn whoever_is_kept_out_is_out_at_the_next_request() {
    let site = Site::with_user().await;
    let sales = Profile { roles: [Role::Sales].into(), ..Profile::default() };
    site.add_person("zoe", sales, "$argon2id$none").await;
    let cookie = site.enter("zoe").await;
    let headers = [("authorization", &*bearer("zoe"))];
    assert_eq!(status(&site, "/tasks", &cookie).await, StatusCode::OK);
    assert_eq!(site.get("/api/v1/tasks", &headers).await.status, StatusCode::OK);

    let out = call(&site, "PATCH", "/api/v1/people/zoe", &json!({ "enabled": false })).await;
    assert_eq!((out.status, &out.json()["enabled"]), (StatusCode::OK, &json!(false)));
    assert_eq!(status(&site, "/tasks", &cookie).await, StatusCode::SEE_OTHER);
    assert_eq!(site.get("/api/v1/tasks", &headers).await.status, StatusCode::UNAUTHORIZED);
    let again = site.post("/login", "name=zoe&password=whatever-it-is", &[]).await;
    let unknown = site.post("/login", "name=nobody&password=whatever-it-is", &[]).await;
    assert_eq!(again.text().replace("zoe", "nobody"), unknown.text());

    let back = call(&site, "PATCH", "/api/v1/people/zoe", &json!({ "enabled": true })).await;
    assert_eq!(back.status, StatusCode::OK);
    assert_eq!(
        status(&site, "/tasks", &cookie).await,
        StatusCode::SEE_OTHER,
        "not the old session"
    );
    assert_eq!(site.get("/api/v1/tasks", &headers).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_token_does_what_it_is_for_until_it_ends_or_is_revoked() {
    let site = Site::with_user().await;
    let make = async |scopes: &[TokenScope], days| {
        let scopes = scopes.iter().copied().collect();
        let new = NewToken { label: "import".into(), scopes, days };
        let by = By { actor: NAME, at: site.now() };
        format!("Bearer {}", people::make_token(&site.store, by, NAME, new).await.unwrap())
    };
    let status = async |method: &str, path: &str, token: &str| {
        site.call(method, path, &[("authorization", token)], "").await.status
    };
    let events = make(&[TokenScope::Events], 1).await;
    let read = make(&[TokenScope::Read], 30).await;
    let (ok, no) = (StatusCode::OK, StatusCode::FORBIDDEN);
    let cases = [
        ("GET", "/api/v1/tasks", &read, ok),
        ("GET", "/api/v1/dead-letters", &read, ok),
        ("POST", "/api/v1/tasks/t1/accept", &read, no),
        ("POST", "/api/v1/rules/reload", &read, no),
        ("GET", "/api/v1/people", &read, no),
        ("GET", "/api/v1/audit", &read, no),
        ("GET", "/api/v1/tasks", &events, no),
        // The scope is right, and what is sent is not.
        ("POST", "/api/v1/events", &events, StatusCode::UNSUPPORTED_MEDIA_TYPE),
    ];
    for (method, path, token, expected) in cases {
        assert_eq!(status(method, path, token).await, expected, "case: {method} {path}");
    }
    let no_page = site.get("/tasks", &[("authorization", &*read)]).await;
    assert_eq!(no_page.status, StatusCode::SEE_OTHER, "pages are for people");

    let page = site.page("/me").await;
    assert!(!page.text().contains("upt_"), "nobody learns it again");
    let tokens = crate::store::api_token::all(&site.store, Some(NAME)).await.unwrap();
    let of_read = tokens.iter().find(|token| token.scopes == BTreeSet::from([TokenScope::Read]));
    let path = format!("/me/tokens/{}/revoke", of_read.unwrap().id);
    let cookie = site.enter(NAME).await;
    assert_eq!(site.post(&path, "", &[("cookie", &cookie)]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(status("GET", "/api/v1/tasks", &read).await, StatusCode::UNAUTHORIZED, "revoked");
    site.advance(TimeDelta::days(1));
    assert_eq!(status("POST", "/api/v1/events", &events).await, StatusCode::UNAUTHORIZED, "over");

    let by = By { actor: NAME, at: site.now() };
    for (scopes, days) in [(TokenScope::ALL.into(), 366), (BTreeSet::new(), 30)] {
        let new = NewToken { label: "x".into(), scopes, days };
        people::make_token(&site.store, by, NAME, new).await.unwrap_err();
    }
}

#[tokio::test]
async fn a_substitute_sees_the_tasks_of_the_days_they_stand_in() {
    let site = Site::with_user().await;
    let sales = Profile { roles: [Role::Sales].into(), ..Profile::default() };
    for id in ["zoe", "wu"] {
        site.add_person(id, sales.clone(), "$argon2id$none").await;
    }
    let mut of_zoe = task("t1", site.now(), 5, None);
    of_zoe.owner = "zoe".into();
    site.add([of_zoe]).await;
    let see = async |site: &Site| {
        site.get("/api/v1/tasks/t1", &[("authorization", &bearer("wu"))]).await.status
    };
    assert_eq!(see(&site).await, StatusCode::NOT_FOUND);
    let (from, until) = (site.now() + TimeDelta::days(1), site.now() + TimeDelta::days(3));
    let body = json!({ "substitute": { "id": "wu", "from": from, "until": until } });
    let changed = call(&site, "PATCH", "/api/v1/people/zoe", &body).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text());
    for (days, expected) in [
        (0, StatusCode::NOT_FOUND),
        (1, StatusCode::OK),
        (1, StatusCode::OK),
        (1, StatusCode::NOT_FOUND),
    ] {
        site.advance(TimeDelta::days(days));
        assert_eq!(see(&site).await, expected, "{}", site.now());
    }
}

#[tokio::test]
async fn what_cannot_be_said_about_a_person_is_refused_with_its_reason() {
    let site = Site::with_user().await;
    let sales = Profile { roles: [Role::Sales].into(), ..Profile::default() };
    site.add_person("zoe", sales, "$argon2id$none").await;
    let (wrong, conflict) = (StatusCode::UNPROCESSABLE_ENTITY, StatusCode::CONFLICT);
    let cases = [
        (json!({ "email": "nonsense" }), wrong, "is no e-mail address"),
        (json!({ "superior": "nobody" }), wrong, "nobody is called 'nobody'"),
        (json!({ "superior": "zoe" }), wrong, "would be their own superior"),
        (json!({ "roles": ["god"] }), wrong, "unknown variant `god`"),
        (json!({ "password_hash": "x" }), wrong, "unknown field `password_hash`"),
        (json!({ "name": "Zoë", "revision": 9 }), conflict, "was changed in the meantime"),
        (json!({ "name": "a\u{0}b" }), wrong, "control character"),
        (
            json!({ "substitute": {
                "id": NAME, "from": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"
            } }),
            wrong,
            "ends before it begins",
        ),
    ];
    for (body, status, reason) in cases {
        let answer = call(&site, "PATCH", "/api/v1/people/zoe", &body).await;
        assert_eq!(answer.status, status, "case: {body}");
        assert!(answer.json()["detail"].as_str().unwrap().contains(reason), "case: {body}");
    }
    let circle = json!({ "superior": NAME });
    assert_eq!(call(&site, "PATCH", "/api/v1/people/zoe", &circle).await.status, StatusCode::OK);
    let taken = call(&site, "POST", "/api/v1/people", &json!({ "id": "zoe" })).await;
    assert_problem(&taken, conflict, "person-taken");
    for id in ["a b", "upturn", "pool:x", ""] {
        let named = call(&site, "POST", "/api/v1/people", &json!({ "id": id })).await;
        assert_problem(&named, wrong, "wrong-person");
    }
}

#[tokio::test]
async fn every_change_is_in_the_trail_with_who_made_it() {
    let site = Site::with_user().await;
    site.add([task("t1", site.now(), 5, None)]).await;
    call(&site, "POST", "/api/v1/people", &json!({ "id": "zoe", "roles": ["sales"] })).await;
    call(&site, "PATCH", "/api/v1/people/zoe", &json!({ "roles": ["auditor"] })).await;
    let cookie = site.enter(NAME).await;
    let headers = [("cookie", &*cookie)];
    site.post("/people/zoe/password", "", &headers).await;
    site.post("/people/zoe/disable", "", &headers).await;
    site.post("/me/tokens", "label=x&scope=read&days=30", &headers).await;
    site.post("/me/language", "language=en", &headers).await;
    with_writer(&site, async {
        call(&site, "POST", "/api/v1/tasks/t1/accept", &Value::Null).await;
        std::fs::write(site.folder().join("registry/people.csv"), "id,name\nwu,Wu\n").unwrap();
        let reloaded = call(&site, "POST", "/api/v1/rules/reload", &Value::Null).await;
        assert_eq!(reloaded.status, StatusCode::OK, "{}", reloaded.text());
    })
    .await;

    let trail = call(&site, "GET", "/api/v1/audit", &Value::Null).await.json();
    let entries = trail["entries"].as_array().unwrap();
    let mut told: Vec<_> = entries
        .iter()
        .map(|entry| {
            let word = |name: &str| entry[name].as_str().unwrap().to_owned();
            (word("actor"), word("action"), word("subject"))
        })
        .collect();
    told.reverse();
    let expected = [
        ("upturn", "task-created", "t1"),
        (NAME, "person-added", "person:zoe"),
        (NAME, "person-changed", "person:zoe"),
        (NAME, "password-changed", "person:zoe"),
        (NAME, "person-disabled", "person:zoe"),
        (NAME, "token-made", "person:li.wei"),
        (NAME, "person-changed", "person:li.wei"),
        (NAME, "task-accepted", "t1"),
        (NAME, "registry-switched", "rules"),
    ];
    let expected = expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned()));
    assert_eq!(told, expected);
    assert_eq!(entries[6]["detail"]["roles"], json!({ "before": ["sales"], "now": ["auditor"] }));
    let verdict = chain::verify(&site.store, None).await.unwrap();
    assert!(matches!(&verdict, Verdict::Whole(head) if head.entries == 9), "{verdict:?}");

    let page = site.page("/audit?action=person-&subject=person:zoe").await;
    assert_eq!(page.text().matches("<tr role=\"row\">").count(), 1 + 3, "{}", page.text());
    assert!(page.text().contains("Person changed") && !page.text().contains("Token made"));
    // Of somebody whom only the registry knows, tasks and superiors go by it.
    let people = call(&site, "PATCH", "/api/v1/people/zoe", &json!({ "superior": "wu" })).await;
    assert_eq!(people.status, StatusCode::OK, "{}", people.text());
}

#[tokio::test]
async fn shows_hostile_names_and_trails_as_harmless_text() {
    const SCRIPT: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>";

    let site = Site::with_user().await;
    let hostile = Profile {
        name: format!("{SCRIPT}\u{202e}"),
        roles: [Role::Sales].into(),
        teams: [SCRIPT.to_owned()].into(),
        regions: [SCRIPT.to_owned()].into(),
        ..Profile::default()
    };
    site.add_person("zoe", hostile, "$argon2id$none").await;
    let by = By { actor: NAME, at: site.now() };
    let scopes = [TokenScope::Read].into();
    let new = NewToken { label: SCRIPT.into(), scopes, days: 1 };
    people::make_token(&site.store, by, "zoe", new).await.unwrap();
    let detail = json!({ "label": format!("{SCRIPT}\u{202e}\u{1b}[2J") });
    site.record(crate::store::audit::NewEntry {
        at: site.now(),
        actor: SCRIPT,
        action: SCRIPT,
        subject: "person:<b>",
        detail: &detail,
    })
    .await;
    let query: String = url::form_urlencoded::byte_serialize(SCRIPT.as_bytes()).collect();
    let search = format!("/audit?actor={query}");
    for path in ["/people", "/people/zoe", "/audit", &search] {
        let page = site.page(path).await;
        assert_eq!(page.status, StatusCode::OK, "case: {path}");
        let text = page.text();
        assert!(!text.contains("<script>") && !text.contains("<img"), "case: {path}");
        assert!(!text.contains(" style=") && !text.contains(" onclick="), "case: {path}");
        // What a form holds is held as it is; elsewhere nothing hides.
        let shown: String =
            text.split("value=\"").map(|p| p.split_once('"').map_or(p, |s| s.1)).collect();
        assert!(!shown.contains(['\u{1b}', '\u{202e}']), "case: {path}");
    }
}
