//! Headers that tell the browser to distrust what it gets.

use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::middleware::Next;
use axum::response::Response;

/// Only our own files, no inline script or style, nobody may frame us.
const CONTENT_SECURITY: &str = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; \
                                form-action 'self'; object-src 'none'";

const PROTECTION: [(HeaderName, &str); 4] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// Adds them to every answer. What is not marked otherwise is not kept by caches.
pub(crate) async fn protect(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in PROTECTION {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // A page with a style of its own brings a policy of its own.
    let policy = HeaderValue::from_static(CONTENT_SECURITY);
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(policy);
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
