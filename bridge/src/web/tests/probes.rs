//! What monitors get.

use axum::http::StatusCode;
use serde_json::json;

use super::site::Site;

#[tokio::test]
async fn is_ready_only_when_every_check_is_fine() {
    let site = Site::new().await;
    assert_eq!(site.get("/healthz", &[]).await.status, StatusCode::OK);
    let answer = site.get("/readyz", &[]).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.json()["checks"]["broker"]["reason"], "not checked yet");

    site.health.set("database", Ok(()));
    site.health.set("migrations", Ok(()));
    site.health.set("broker", Err("the broker at 192.0.2.1:1883 does not answer".into()));
    let answer = site.get("/readyz", &[]).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        answer.json(),
        json!({
            "ready": false,
            "checks": {
                "broker": { "ok": false, "reason": "the broker at 192.0.2.1:1883 does not answer" },
                "database": { "ok": true },
                "migrations": { "ok": true },
            },
        })
    );

    site.health.set("broker", Ok(()));
    let answer = site.get("/readyz", &[]).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json()["ready"], true);
}

#[tokio::test]
async fn hands_out_metrics_as_open_metrics() {
    let site = Site::new().await;
    site.metrics.events.inc_by(7);
    let answer = site.get("/metrics", &[]).await;
    assert!(answer.header("content-type").starts_with("application/openmetrics-text"));
    assert!(answer.text().contains("upturn_events_total 7\n"), "{}", answer.text());
    assert!(answer.text().ends_with("# EOF\n"), "{}", answer.text());
}
