//! The document that describes the API, against the API.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use serde_json::{Value, json};

use super::api::{assert_problem, get};
use super::site::{NAME, Site, bearer, task};

const PATH: &str = "/api/v1/openapi.json";

/// Returns the status of a request to `path` with its parts filled in.
async fn status(site: &Site, method: &str, path: &str) -> StatusCode {
    let path = path.replace("{id}", "1").replace("{verb}", "accept");
    let request = Request::builder()
        .method(Method::from_bytes(method.to_ascii_uppercase().as_bytes()).unwrap())
        .uri(path)
        .header("authorization", bearer(NAME));
    site.send(request.body(Body::empty()).unwrap()).await.status
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "it is the list itself")]
async fn describes_each_route_that_is_served_and_no_other() {
    let site = Site::with_user().await;
    drop(site.requests.lock().unwrap().take());
    let document = get(&site, PATH).await.json();
    assert_eq!(document["openapi"], "3.1.0");
    let mut described = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            described.insert(format!("{method} {path}"));
            // A part of the path that nobody describes, or a described one that is not there.
            let parts = path.split('/').filter(|part| part.starts_with('{'));
            let parts: Vec<_> = parts.map(|part| part.trim_matches(['{', '}'])).collect();
            let parameters = operation["parameters"].as_array().unwrap().iter();
            let named: Vec<_> = parameters
                .filter(|parameter| parameter["in"] == "path")
                .map(|parameter| parameter["name"].as_str().unwrap())
                .collect();
            assert_eq!(named, parts, "case: {method} {path}");
        }
        for method in ["get", "post", "put", "patch", "delete"] {
            let is_served = status(&site, method, path).await != StatusCode::METHOD_NOT_ALLOWED;
            let is_described = operations.get(method).is_some();
            assert_eq!(is_served, is_described, "case: {method} {path}");
        }
    }
    let expected = [
        "get /api/v1/approvals",
        "get /api/v1/approvals/{id}",
        "get /api/v1/advice",
        "get /api/v1/advice/{id}",
        "get /api/v1/audit",
        "get /api/v1/calendars",
        "get /api/v1/coupons",
        "get /api/v1/dead-letters",
        "get /api/v1/dead-letters/{id}/raw",
        "get /api/v1/deals",
        "get /api/v1/deals/{id}",
        "get /api/v1/deliveries-at-risk",
        "get /api/v1/destinations",
        "get /api/v1/deals/{id}/chance",
        "get /api/v1/facts/goods",
        "get /api/v1/facts/rate",
        "get /api/v1/feeds",
        "get /api/v1/forecasts",
        "post /api/v1/forecasts/trials/{kind}",
        "get /api/v1/feeds/{id}",
        "get /api/v1/figures",
        "get /api/v1/destinations/{id}/preview",
        "delete /api/v1/deals/{id}/override",
        "delete /api/v1/tasks/{id}/override",
        "get /api/v1/figures/overrides",
        "get /api/v1/leads",
        "get /api/v1/tasks/{id}/lead",
        "put /api/v1/deals/{id}/override",
        "put /api/v1/tasks/{id}/override",
        "get /api/v1/letters",
        "get /api/v1/openapi.json",
        "get /api/v1/people",
        "get /api/v1/people/{id}",
        "get /api/v1/quotes",
        "get /api/v1/quotes/{id}",
        "get /api/v1/reports",
        "delete /api/v1/records/{kind}/{id}",
        "get /api/v1/duplicates",
        "get /api/v1/records",
        "get /api/v1/records/{kind}",
        "get /api/v1/records/{kind}/{id}",
        "get /api/v1/unknown-devices",
        "post /api/v1/records/{kind}",
        "put /api/v1/records/{kind}/{id}",
        "get /api/v1/rules",
        "get /api/v1/rules/{id}/why-not",
        "get /api/v1/tasks",
        "get /api/v1/tasks/{id}",
        "get /api/v1/tasks/{id}/explanation",
        "get /api/v1/tasks/{id}/requirements",
        "get /api/v1/tasks/{id}/slots",
        "patch /api/v1/people/{id}",
        "post /api/v1/approvals/{id}/{verb}",
        "post /api/v1/deals/{id}/acts",
        "post /api/v1/advice/{id}/{verb}",
        "post /api/v1/destinations/{id}/on",
        "post /api/v1/destinations/{id}/test",
        "post /api/v1/events",
        "post /api/v1/feeds/{id}/sets/{set}/{verb}",
        "post /api/v1/feeds/{id}/{verb}",
        "post /api/v1/hooks/{destination}",
        "post /api/v1/letters/{id}/{verb}",
        "post /api/v1/people",
        "post /api/v1/policies/{digest}/confirm",
        "post /api/v1/quotes",
        "post /api/v1/quotes/{id}/again",
        "post /api/v1/quotes/{id}/approval",
        "post /api/v1/rules/reload",
        "post /api/v1/tasks/{id}/requirements",
        "post /api/v1/tasks/{id}/{verb}",
    ];
    assert_eq!(described, expected.map(str::to_owned).into());
    // Whoever adds a route of the API adds it to the list that is described.
    assert!(!include_str!("../../web.rs").contains("route(\"/api/"));
    let stranger = site.get(PATH, &[]).await;
    assert_problem(&stranger, StatusCode::UNAUTHORIZED, "unauthenticated");
}

/// Returns every `$ref` in `value`.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[tokio::test]
async fn names_the_fields_that_are_answered() {
    let site = Site::with_user().await;
    site.add([task("t1", site.now(), 5, None)]).await;
    let document = get(&site, PATH).await.json();
    let mut all = BTreeSet::new();
    references(&document, &mut all);
    assert!(!all.is_empty());
    for reference in all {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    let schema = |name: &str| document["components"]["schemas"][name].clone();
    let keys = |object: &Value| -> BTreeSet<String> {
        object.as_object().unwrap().keys().cloned().collect()
    };
    let answered = get(&site, "/api/v1/tasks/t1").await.json();
    assert_eq!(keys(&schema("Task")["properties"]), keys(&answered));
    let listed = get(&site, "/api/v1/tasks").await.json();
    assert_eq!(keys(&schema("TaskOf_string")["properties"]), keys(&listed["tasks"][0]));
    let problem = get(&site, "/api/v1/tasks/nothing").await.json();
    assert!(keys(&schema("Problem")["properties"]).is_superset(&keys(&problem)));
    assert_eq!(schema("TaskStatus")["oneOf"][0]["const"], json!("new"));
}
