//! Which language a reader gets: `?lang=`, else the cookie, else what the browser asks for.

use axum::extract::Request;
use axum::http::header::{ACCEPT_LANGUAGE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::middleware::Next;
use axum::response::Response;
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use serde::{Deserialize, Serialize};

/// The cookie that remembers the choice.
const COOKIE: &str = "upturn_lang";

/// How long the choice is remembered.
const REMEMBERED: time::Duration = time::Duration::days(365);

/// A language the pages are written in.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema, clap::ValueEnum,
)]
pub(crate) enum Language {
    /// English.
    #[serde(rename = "en")]
    En,
    /// Simplified Chinese.
    #[serde(rename = "zh-CN")]
    #[value(name = "zh-CN", alias = "zh")]
    ZhCn,
}

impl Language {
    /// All of them.
    pub(crate) const ALL: [Self; 2] = [Self::En, Self::ZhCn];

    /// Returns its tag, as `<html lang>` wants it.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::ZhCn => "zh-CN",
        }
    }

    /// Returns its name in itself.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::ZhCn => "中文",
        }
    }

    /// Returns the language that `tag` asks for: every Chinese is `zh-CN`.
    pub(crate) fn find(tag: &str) -> Option<Self> {
        let primary = tag.trim().split(['-', '_']).next().unwrap_or_default();
        if primary.eq_ignore_ascii_case("zh") {
            Some(Self::ZhCn)
        } else if primary.eq_ignore_ascii_case("en") {
            Some(Self::En)
        } else {
            None
        }
    }
}

/// Finds out the reader's language, hands it on as an extension, and remembers a choice.
pub(crate) async fn negotiate(mut request: Request, next: Next) -> Response {
    let chosen = chosen(request.uri());
    let language = chosen
        .or_else(|| remembered(request.headers()))
        .or_else(|| preferred(request.headers()))
        .unwrap_or(Language::En);
    request.extensions_mut().insert(language);

    let mut response = next.run(request).await;
    if let Some(chosen) = chosen
        && let Ok(cookie) = HeaderValue::from_str(&cookie(chosen).to_string())
    {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

/// Returns the cookie that remembers `language`.
pub(crate) fn cookie(language: Language) -> Cookie<'static> {
    Cookie::build((COOKIE, language.tag()))
        .path("/")
        .same_site(SameSite::Lax)
        .http_only(true)
        .max_age(REMEMBERED)
        .build()
}

fn chosen(uri: &Uri) -> Option<Language> {
    let pairs = url::form_urlencoded::parse(uri.query()?.as_bytes());
    pairs.filter(|(name, _)| name == "lang").find_map(|(_, tag)| Language::find(&tag))
}

fn remembered(headers: &HeaderMap) -> Option<Language> {
    Language::find(CookieJar::from_headers(headers).get(COOKIE)?.value())
}

/// Returns the language with the greatest weight in `Accept-Language`; the first among equals.
fn preferred(headers: &HeaderMap) -> Option<Language> {
    let header = headers.get(ACCEPT_LANGUAGE)?.to_str().ok()?;
    let mut best: Option<(u16, Language)> = None;
    for range in header.split(',') {
        let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
        let Some(language) = Language::find(tag) else { continue };
        let weight = weight(parameters);
        if 0 < weight && best.is_none_or(|(least, _)| least < weight) {
            best = Some((weight, language));
        }
    }
    best.map(|(_, language)| language)
}

/// Returns the weight of `q=0.8` in thousandths; 1000 where none is stated, 0 for nonsense.
fn weight(parameters: &str) -> u16 {
    let Some(value) = parameters.trim().strip_prefix("q=") else { return 1000 };
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    match whole {
        "1" => 1000,
        "0" => format!("{fraction:0<3}").parse().ok().filter(|weight| *weight < 1000).unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_the_browser_likes_best() {
        let cases = [
            ("zh-CN,zh;q=0.9,en;q=0.8", Some(Language::ZhCn)),
            ("zh-Hant-TW", Some(Language::ZhCn)),
            ("en-GB,en;q=0.9", Some(Language::En)),
            ("de,en;q=0.3,zh;q=0.7", Some(Language::ZhCn)),
            ("en;q=0.5,zh;q=0.5", Some(Language::En)),
            ("zh;q=0,en;q=0.1", Some(Language::En)),
            ("zh;q=abc", None),
            ("fr", None),
            ("", None),
        ];
        for (header, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static(header));
            assert_eq!(preferred(&headers), expected, "case: {header}");
        }
    }
}
