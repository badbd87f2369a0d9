//! Style sheet, script and icon: built in, named by their hash, kept by the browser for a year.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use rust_embed::Embed;

use super::fault::{Fault, FaultKind};
use crate::hex::hex;

/// The files.
#[derive(Embed)]
#[folder = "assets/"]
struct Files;

/// The path of each file by its plain name: `upturn.css` → `/assets/upturn.0f3a….css`.
static PATHS: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    let named = Files::iter().filter_map(|name| {
        let hash = Files::get(&name)?.metadata.sha256_hash();
        let (stem, extension) = name.rsplit_once('.')?;
        let hash = hex(hash.get(..8)?);
        Some((name.clone().into_owned(), format!("/assets/{stem}.{hash}.{extension}")))
    });
    named.collect()
});

/// Returns the path of the file called `name`.
pub(crate) fn path(name: &str) -> &'static str {
    PATHS.get(name).map_or("", String::as_str)
}

/// Answers with a file.
pub(crate) async fn handle(Path(hashed): Path<String>) -> Result<Response, Fault> {
    let wanted = format!("/assets/{hashed}");
    let name = PATHS.iter().find(|(_, path)| **path == wanted).map(|(name, _)| name);
    let name = name.ok_or(FaultKind::NotFound)?;
    let file = Files::get(name).ok_or(FaultKind::NotFound)?;
    let headers = [
        (CONTENT_TYPE, content_type(name)),
        (CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    Ok((headers, file.data).into_response())
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.') {
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "svg")) => "image/svg+xml",
        _ => "application/octet-stream",
    }
}
