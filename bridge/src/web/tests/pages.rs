//! What people see.

use axum::http::StatusCode;
use chrono::TimeDelta;

use super::site::{Headers, NAME, PASSWORD, Site, task};
use crate::store::dead_letter::NewDeadLetter;

/// A site with a task for each preset.
async fn site() -> Site {
    let site = Site::with_user().await;
    let now = site.now();
    let overdue = task("overdue", now, 90, Some(TimeDelta::hours(-3)));
    let today = task("today", now, 60, Some(TimeDelta::hours(2)));
    let mut pooled = task("tomorrow", now, 30, Some(TimeDelta::hours(14)));
    pooled.owner = "pool:ev-advisors".into();
    let mut sometime = task("sometime", now, 20, None);
    sometime.owner = "anna".into();
    sometime.account = None;
    let withdrawn = task("withdrawn", now, 10, Some(TimeDelta::hours(-1)));
    site.add([overdue, today, pooled, sometime, withdrawn]).await;
    site.withdraw("withdrawn").await;
    site
}

/// The ids of the tasks on a page, in its order.
fn shown(page: &str) -> Vec<&str> {
    let links = page.split("class=\"row-link\" href=\"/tasks/").skip(1);
    links.map(|rest| rest.split('"').next().unwrap()).collect()
}

#[tokio::test]
async fn shows_the_tasks_of_each_preset_and_owner_newest_first() {
    let site = site().await;
    let cases: [(&str, &[&str]); 9] = [
        ("/tasks", &["sometime", "tomorrow", "today", "overdue"]),
        ("/tasks?view=overdue", &["overdue"]),
        ("/tasks?view=today", &["today"]),
        ("/tasks?view=later", &["sometime", "tomorrow"]),
        ("/tasks?view=withdrawn", &["withdrawn"]),
        ("/tasks?owner=mine", &["today", "overdue"]),
        ("/tasks?owner=pool", &["tomorrow"]),
        ("/tasks?owner=anna", &["sometime"]),
        ("/tasks?view=nonsense&utm_source=mail", &["sometime", "tomorrow", "today", "overdue"]),
    ];
    for (path, expected) in cases {
        let page = site.page(path).await;
        assert_eq!(page.status, StatusCode::OK, "case: {path}");
        assert_eq!(shown(page.text()), expected, "case: {path}");
    }
    let page = site.page("/").await;
    for expected in [
        "li.wei: your tasks",
        "<span class=\"light-count\">1</span> overdue",
        "<span class=\"light-count\">1</span> due today",
        "<span class=\"light-count\">0</span> in good time",
        "<strong class=\"next\">Accept it</strong><a href=\"/tasks/overdue\">",
        "4 open tasks in your sight: 1 overdue, 1 due today",
        "<a href=\"/tasks?owner=pool\">1 task waits in a pool: claim it</a>",
    ] {
        assert!(page.text().contains(expected), "{expected} is missing in {}", page.text());
    }
    let page = site.page("/tasks?owner=pool").await;
    assert!(page.text().contains("action=\"/tasks/tomorrow/claim\""), "{}", page.text());
}

#[tokio::test]
async fn says_how_many_tasks_each_preset_has_and_keeps_the_other_filter_in_its_link() {
    let site = site().await;
    let page = site.page("/tasks?owner=mine").await;
    for expected in [
        r#"<a href="/tasks?owner=mine" aria-current="page">All <span class="count">2</span>"#,
        r#"<a href="/tasks?view=overdue&#38;owner=mine">Overdue <span class="count urgent">1</span>"#,
        r#"<a href="/tasks?view=withdrawn&#38;owner=mine">Withdrawn <span class="count">1</span>"#,
        r#"<a href="/tasks?owner=pool">"#,
    ] {
        assert!(page.text().contains(expected), "{expected} is missing in {}", page.text());
    }
}

#[tokio::test]
async fn tells_due_times_in_words_with_the_exact_time_behind() {
    let site = site().await;
    let page = site.page("/tasks?view=overdue").await;
    let expected = r#"<time datetime="2025-03-05T09:00:00.000Z" title="2025-03-05 09:00:00.000 UTC">Overdue by 3 hours</time>"#;
    assert!(page.text().contains(expected), "{}", page.text());
}

#[tokio::test]
async fn pages_through_many_tasks_without_losing_or_repeating_one() {
    let site = Site::with_user().await;
    // Several of the same instant, so that the id decides.
    let made = |number: i64| task(&format!("t{number:03}"), site.now(), number / 7, None);
    site.add((0..120).map(made)).await;
    let cookie = site.log_in(PASSWORD).await.cookie();
    let mut path = "/tasks?view=later".to_owned();
    let mut seen = Vec::new();
    for expected in [50, 50, 20] {
        let page = site.get(&path, &[("cookie", &cookie)]).await;
        let ids: Vec<String> = shown(page.text()).into_iter().map(str::to_owned).collect();
        assert_eq!(ids.len(), expected);
        seen.extend(ids);
        let next = page.text().split("rel=\"next\" href=\"").nth(1);
        path = next.map_or("", |next| next.split('"').next().unwrap()).replace("&#38;", "&");
    }
    assert_eq!(path, "", "the last page has no next one");
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 120);

    let odd = site.get("/tasks?after=nonsense", &[("cookie", &cookie)]).await;
    assert_eq!(odd.status, StatusCode::BAD_REQUEST);
    assert!(odd.text().contains("start again without it"), "{}", odd.text());
}

#[tokio::test]
async fn an_empty_inbox_says_what_will_appear_and_how() {
    let site = Site::with_user().await;
    let page = site.page("/tasks").await;
    for expected in ["No tasks yet", "mosquitto_pub -h 127.0.0.1 -p 1883", "upturn demo"] {
        assert!(page.text().contains(expected), "{expected} is missing in {}", page.text());
    }
    site.add([task("t1", site.now(), 1, None)]).await;
    let page = site.page("/tasks?view=overdue").await;
    assert!(page.text().contains("No task matches this view"), "{}", page.text());
    assert!(!page.text().contains("mosquitto_pub"), "{}", page.text());
}

#[tokio::test]
async fn a_task_says_what_to_do_and_why() {
    let site = site().await;
    let page = site.page("/tasks/overdue").await;
    assert_eq!(page.status, StatusCode::OK);
    for expected in [
        "<h1><bdi>Charging failed three times</bdi></h1>",
        "<code>charger-care</code>",
        "held on 3 events between 2025-03-05 09:50:00 UTC and 2025-03-05 10:30:00 UTC.",
        "Send a coupon",
        "Book the technical consultant",
        "call back",
        "GroundFailure",
        "RCD trip",
        "overdue-e3",
        "&#34;energy_wh&#34;: 0",
        "Made",
        "upturn",
    ] {
        assert!(page.text().contains(expected), "{expected} is missing in {}", page.text());
    }
    let page = site.page("/tasks/unknown").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(page.text().contains("There is nothing here"), "{}", page.text());
}

#[tokio::test]
async fn speaks_the_language_that_is_chosen_remembered_or_preferred() {
    let site = Site::with_user().await;
    let chinese = ("accept-language", "zh-CN,zh;q=0.9,en;q=0.5");
    let remembered = ("cookie", "upturn_lang=en");
    let cases: [(&str, Headers<'_>, &str); 6] = [
        ("/login", &[], "en"),
        ("/login", &[chinese], "zh-CN"),
        ("/login", &[chinese, remembered], "en"),
        ("/login?lang=zh-CN", &[remembered], "zh-CN"),
        ("/login?lang=zh", &[], "zh-CN"),
        ("/login?lang=xx", &[chinese], "zh-CN"),
    ];
    for (path, headers, expected) in cases {
        let page = site.get(path, headers).await;
        let tag = format!("<html lang=\"{expected}\">");
        assert!(page.text().contains(&tag), "case: {path} {headers:?}");
        let word = if expected == "en" { "Password" } else { "密码" };
        assert!(page.text().contains(word), "case: {path} {headers:?}");
    }
    let chosen = site.get("/login?next=%2Ftasks&lang=zh", &[]).await;
    assert_eq!(chosen.cookie(), "upturn_lang=zh-CN");
    let back = r#"href="/login?next=%2Ftasks&#38;lang=en""#;
    assert!(chosen.text().contains(back), "{}", chosen.text());

    site.add([task("t1", site.now(), 1, None)]).await;
    let inbox = site.page("/tasks?lang=zh").await;
    assert!(inbox.text().contains("连续三次充电失败"), "{}", inbox.text());
}

#[tokio::test]
async fn counts_the_tasks_that_came_after_the_topmost_one_shown() {
    let site = Site::with_user().await;
    let cookie = site.log_in(PASSWORD).await.cookie();
    site.add([task("t1", site.now(), 5, None)]).await;
    let page = site.get("/tasks", &[("cookie", &cookie)]).await;
    let news = page.text().split("data-news=\"").nth(1).unwrap().split('"').next().unwrap();
    let news = news.replace("&#38;", "&");
    let ask = async || site.get(&news, &[("cookie", &cookie)]).await.json();
    assert_eq!(ask().await["count"], 0);

    let came = [("t0", 4), ("t2", 5), ("older", 6)];
    site.add(came.map(|(id, minutes)| task(id, site.now(), minutes, None))).await;
    assert_eq!(ask().await, serde_json::json!({ "count": 2, "text": "2 new — show" }));

    let mut elsewhere = task("t3", site.now(), 1, None);
    elsewhere.owner = NAME.into();
    site.add([elsewhere]).await;
    site.withdraw("t3").await;
    assert_eq!(ask().await["count"], 2, "only what the view shows");
}

#[tokio::test]
async fn shows_dead_letters_newest_first_and_hands_out_their_bytes() {
    let site = Site::with_user().await;
    let empty = site.page("/dead-letters").await;
    assert!(empty.text().contains("No dead letters"), "{}", empty.text());

    let letter = |id: i64| NewDeadLetter {
        received_at: site.now() - TimeDelta::minutes(30 - id),
        topic: format!("devices/EVSE-{id}/events"),
        payload: if id == 30 { vec![0xff, 0, 0x41].into() } else { "{\"a\":".into() },
        source: Some("native".into()),
        code: "not-json",
        reason: "the payload ends inside an object".into(),
    };
    let letters: Vec<_> = (1..=30).map(letter).collect();
    site.add_letters(&letters).await;
    let page = site.page("/dead-letters").await;
    for expected in ["30 messages", "devices/EVSE-30/events", "ff 00 41", "not-json", "3 bytes"] {
        assert!(page.text().contains(expected), "{expected} is missing in {}", page.text());
    }
    assert!(page.text().contains("href=\"/dead-letters?before=6\""), "{}", page.text());
    let older = site.page("/dead-letters?before=6").await;
    assert_eq!(older.text().matches("class=\"letter\"").count(), 5);

    let raw = site.page("/dead-letters/30/raw").await;
    assert_eq!(&raw.body[..], [0xff, 0, 0x41]);
    assert_eq!(raw.header("content-type"), "application/octet-stream");
    assert_eq!(raw.header("content-disposition"), "attachment; filename=\"dead-letter-30.bin\"");
    assert_eq!(raw.header("x-content-type-options"), "nosniff");
    for path in ["/dead-letters/31/raw", "/dead-letters/x/raw"] {
        assert_eq!(site.page(path).await.status, StatusCode::NOT_FOUND, "case: {path}");
    }
}

#[tokio::test]
async fn the_start_page_names_those_who_have_tasks_and_cannot_be_reached() {
    let site = Site::with_user().await;
    let owners = ["gone", "gone", "pool:empty", "li.wei"];
    let tasks = owners.iter().enumerate().map(|(place, owner)| {
        let mut made = task(&format!("t{place}"), site.now(), 5, None);
        (made.owner, made.scope) = ((*owner).into(), format!("s{place}").into());
        made
    });
    site.add(tasks.collect::<Vec<_>>()).await;
    let page = site.page("/").await;
    for expected in [
        "2 open tasks are with gone, whom nobody can reach",
        "1 open task is with pool:empty",
        "href=\"/tasks?owner=gone\"",
    ] {
        assert!(page.text().contains(expected), "{expected} is missing in {}", page.text());
    }
    assert!(!page.text().contains("with li.wei"), "{}", page.text());
    let page = site.page("/?lang=zh").await;
    assert!(page.text().contains("2 个未结束任务由 gone 负责"), "{}", page.text());
}
