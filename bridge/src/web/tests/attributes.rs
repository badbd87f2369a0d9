//! What feeds tell of a customer and a place, on the page of a task.

use serde_json::json;

use super::calendars::bring;
use super::site::Site;
use super::task_results::keep;
use crate::store::testing::task;

#[tokio::test]
async fn a_task_shows_what_is_told_of_its_customer_and_of_where_its_device_stands() {
    let site = Site::with_user().await;
    site.add([task("t-1", "cp-1", 0)]).await;
    assert!(!site.page("/tasks/t-1").await.text().contains("segment"), "nobody tells anything");
    keep(&site, "device", &[("cp-1", json!({"id": "cp-1", "model": "X7", "site": "s-1"}))]).await;
    let settings = |of: &str| {
        json!({"format": "json", "of": of, "rows": "/*", "key": "id",
            "attributes": {"segment": "s"}})
    };
    let customers = json!([{"id": "账户-1", "s": "<b>gold"}, {"id": "other", "s": "silver"}]);
    bring(&site, ("crm", "attributes"), &settings("account"), &customers).await;
    bring(&site, ("gis", "attributes"), &settings("site"), &json!([{"id": "s-1", "s": "rural"}]))
        .await;

    let page = site.page("/tasks/t-1").await;
    let page = page.text();
    let shown = "<bdi>segment</bdi>: <bdi>";
    for value in ["&#60;b&#62;gold", "rural"] {
        assert!(page.contains(&format!("{shown}{value}</bdi>")), "case: {value}: {page}");
    }
    assert!(!page.contains("silver"), "that is somebody else's");
}
