//! What every page has around it: words, links, the reader's name.

use axum::extract::FromRequestParts;
use axum::http::Uri;
use axum::http::request::Parts;
use axum::response::Response;

use crate::web::App;
use crate::web::asset;
use crate::web::i18n;
use crate::web::language::Language;
use crate::web::session::Reader;
use crate::web::when::Teller;

/// The frame of a page.
#[derive(Clone, Debug)]
pub(crate) struct Shell {
    /// The reader's language.
    pub(crate) language: Language,
    /// The reader's name, if somebody is logged in.
    pub(crate) reader: Option<String>,
    /// Where the page is, to mark it in the navigation.
    pub(crate) path: String,
    /// The same page in each language.
    pub(crate) languages: Vec<LanguageLink>,
    /// The zone that times are shown in.
    pub(crate) zone: &'static str,
}

/// A link to the same page in another language.
#[derive(Clone, Debug)]
pub(crate) struct LanguageLink {
    /// Where it leads.
    pub(crate) href: String,
    /// The language.
    pub(crate) language: Language,
}

impl Shell {
    /// Returns the frame of a page that needs no log-in.
    pub(crate) fn for_nobody(app: &App, language: Language, uri: &Uri) -> Self {
        let links = Language::ALL
            .map(|other| LanguageLink { href: in_language(uri, other), language: other });
        Self {
            language,
            reader: None,
            path: uri.path().to_owned(),
            languages: links.into(),
            zone: app.reloader.zone().name(),
        }
    }

    /// Returns the text for `key` in the reader's language.
    pub(crate) fn text(&self, key: &str) -> String {
        i18n::text(self.language, key)
    }

    /// Returns the path of the asset called `name`.
    #[expect(clippy::unused_self, reason = "templates reach functions through the shell")]
    pub(crate) fn asset(&self, name: &str) -> &'static str {
        asset::path(name)
    }

    /// Returns whether the page stands below `section`.
    pub(crate) fn is_in(&self, section: &str) -> bool {
        self.path.strip_prefix(section).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Returns what times are told by.
    pub(crate) fn teller(&self, app: &App) -> Teller {
        Teller { language: self.language, zone: app.reloader.zone(), now: app.clock.now() }
    }
}

fn in_language(uri: &Uri, language: Language) -> String {
    let query = uri.query().unwrap_or_default();
    let others = url::form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != "lang");
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(others)
        .append_pair("lang", language.tag())
        .finish();
    format!("{}?{query}", uri.path())
}

/// The frame of a page for somebody who is logged in. Others are sent to the log-in page.
impl FromRequestParts<App> for Shell {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let reader = Reader::from_request_parts(parts, app).await?;
        let language = parts.extensions.get().copied().unwrap_or(Language::En);
        let shell = Self::for_nobody(app, language, &parts.uri);
        Ok(Self { reader: Some(reader.name), ..shell })
    }
}
