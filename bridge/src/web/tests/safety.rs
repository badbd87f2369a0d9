//! Hostile strings, hostile pages.

use axum::http::StatusCode;
use chrono::TimeDelta;
use upturn_core::id::EventId;

use super::site::{Site, task};
use crate::store::audit::NewEntry;
use crate::store::dead_letter::NewDeadLetter;
use crate::web::fault::FaultKind;
use crate::web::i18n::find_text;
use crate::web::language::Language;

const SCRIPT: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>";

#[tokio::test]
async fn shows_hostile_strings_as_harmless_text() {
    let site = Site::with_user().await;
    let mut hostile = task("t1", site.now(), 1, Some(TimeDelta::hours(1)));
    hostile.title.en = Some(SCRIPT.into());
    hostile.account = Some(format!("{SCRIPT}\u{202e}").into());
    hostile.owner = format!("pool:{SCRIPT}").into();
    hostile.kind = SCRIPT.into();
    hostile.scope = SCRIPT.into();
    hostile.steps = vec![SCRIPT.into()];
    let event = hostile.occasion.evidence.first_mut().unwrap();
    event.id = EventId::new(&format!("{SCRIPT}\u{202e}")).unwrap();
    event.channel = Some(SCRIPT.into());
    event.kind = SCRIPT.into();
    let attributes =
        serde_json::json!({ "info": format!("{SCRIPT}\0\u{1b}[2J\u{202e}"), "code": SCRIPT });
    event.attributes = attributes.to_string().into();
    site.add([hostile]).await;
    let detail = SCRIPT.into();
    let (actor, action, subject) = (SCRIPT, SCRIPT, "t1");
    site.record(NewEntry { at: site.now(), actor, action, subject, detail: &detail }).await;
    let letter = NewDeadLetter {
        received_at: site.now(),
        topic: format!("{SCRIPT}\u{202e}\u{7}"),
        payload: format!("{SCRIPT}\0\u{1b}[2J\u{202e}").into(),
        source: Some(SCRIPT.into()),
        code: SCRIPT,
        reason: SCRIPT.into(),
    };
    site.add_letters(&[letter]).await;

    let owner: String = url::form_urlencoded::byte_serialize(SCRIPT.as_bytes()).collect();
    let owner = format!("/tasks?owner={owner}");
    for path in ["/tasks", "/tasks/t1", "/dead-letters", &owner, "/login?next=%22%3E%3Cscript%3E"] {
        let page = site.page(path).await;
        assert_eq!(page.status, StatusCode::OK, "case: {path}");
        let text = page.text();
        assert!(!text.contains("<script>"), "case: {path}");
        assert!(!text.contains("<img"), "case: {path}");
        assert!(!text.contains(['\0', '\u{1b}', '\u{7}', '\u{202e}']), "case: {path}");
    }
    let task = site.page("/tasks/t1").await;
    assert!(task.text().contains("&#60;script&#62;alert(1)"), "{}", task.text());
    assert!(task.text().contains("␀␛[2J⟨U+202E⟩"), "{}", task.text());
    let letters = site.page("/dead-letters").await;
    assert!(letters.text().contains("⟨U+202E⟩␇"), "{}", letters.text());
}

#[tokio::test]
async fn every_answer_tells_the_browser_to_be_careful() {
    let site = Site::with_user().await;
    for path in ["/login", "/tasks", "/nowhere", "/api/v1/tasks", "/healthz", "/metrics"] {
        let answer = site.get(path, &[]).await;
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'self'; frame-ancestors 'none'"), "case: {path}");
        assert!(!policy.contains("unsafe"), "case: {path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "case: {path}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "case: {path}");
        assert_eq!(answer.header("cache-control"), "no-store", "case: {path}");
    }
}

#[tokio::test]
async fn pages_have_no_inline_script_or_style() {
    let site = Site::with_user().await;
    site.add([task("t1", site.now(), 1, None)]).await;
    for path in ["/login", "/tasks", "/tasks/t1", "/dead-letters", "/nowhere"] {
        let page = site.page(path).await;
        let text = page.text();
        assert!(!text.contains(" style=") && !text.contains("<style"), "case: {path}");
        assert!(!text.contains(" onclick=") && !text.contains("javascript:"), "case: {path}");
        for script in text.split("<script").skip(1) {
            assert!(script.starts_with(" src=\"/assets/upturn."), "case: {path}: {script}");
        }
    }
}

#[tokio::test]
async fn stops_reading_a_form_that_does_not_end() {
    let site = Site::with_user().await;
    for (len, expected) in
        [(1024 * 1024 - 30, StatusCode::UNAUTHORIZED), (1024 * 1024, StatusCode::PAYLOAD_TOO_LARGE)]
    {
        let form = format!("name=li.wei&password={}", "x".repeat(len));
        assert_eq!(site.post("/login", &form, &[]).await.status, expected, "{len} bytes");
    }
    let incomplete = site.post("/login", "name=li.wei", &[]).await;
    assert_eq!(incomplete.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn assets_are_named_by_their_content_and_kept() {
    let site = Site::new().await;
    let page = site.get("/login", &[]).await;
    let path = page.text().split("rel=\"stylesheet\" href=\"").nth(1).unwrap();
    let path = path.split('"').next().unwrap();
    let css = site.get(path, &[]).await;
    assert_eq!(css.status, StatusCode::OK);
    assert_eq!(css.header("content-type"), "text/css; charset=utf-8");
    assert_eq!(css.header("cache-control"), "public, max-age=31536000, immutable");
    for path in ["/assets/upturn.css", "/assets/..%2FCargo.toml", "/assets/upturn.0.css"] {
        assert_eq!(site.get(path, &[]).await.status, StatusCode::NOT_FOUND, "case: {path}");
    }
}

#[tokio::test]
async fn every_kind_of_problem_is_explained_in_both_languages() {
    let site = Site::new().await;
    for kind in FaultKind::ALL {
        for language in Language::ALL {
            for key in [format!("fault-{}", kind.code()), format!("fault-{}-help", kind.code())] {
                assert!(find_text(language, &key).is_some(), "{key} in {language:?}");
            }
        }
        let page = site.get(&format!("/problems/{}", kind.code()), &[]).await;
        assert_eq!(page.status, StatusCode::OK);
    }
    assert_eq!(site.get("/problems/other", &[]).await.status, StatusCode::NOT_FOUND);
}
