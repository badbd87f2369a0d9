//! Documents that come in pages, each of which names the next.

use url::Url;

use super::Document;
use super::error::FetchError;
use crate::http::header::LINK;

/// How a source tells that there is more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paging {
    /// It does not: a document is whole.
    Whole,
    /// By a `Link` with the relation `next`, RFC 8288.
    Link,
    /// By a cursor in a header, which is asked with: `Next-Page-Cursor`, `cursor`.
    Cursor {
        /// The header of the answer.
        header: &'static str,
        /// The parameter of the next question.
        parameter: &'static str,
    },
}

/// Returns the address of the page behind `page`, which was asked for at `asked`; none behind the last.
///
/// Fails if it is on another server: what is secret would go there.
pub(crate) fn next(
    paging: Paging,
    asked: &Url,
    page: &Document,
) -> Result<Option<Url>, FetchError> {
    let lost = |why| FetchError::Lost { from: page.address.clone(), why };
    match paging {
        Paging::Whole => Ok(None),
        Paging::Cursor { header, parameter } => {
            let cursor = page.headers.get(header).map(|value| value.to_str());
            match cursor {
                None | Some(Ok("")) => Ok(None),
                Some(Err(_)) => Err(lost("its cursor is no text")),
                Some(Ok(cursor)) => Ok(Some(with(asked, parameter, cursor))),
            }
        }
        Paging::Link => {
            let links = page.headers.get_all(LINK).iter();
            let links = links.filter_map(|value| value.to_str().ok());
            let Some(target) = links.flat_map(targets).next() else { return Ok(None) };
            let next =
                page.url.join(target).map_err(|_unsaid| lost("its next page is no address"))?;
            if next.origin() != page.url.origin() {
                return Err(lost("its next page is on another server"));
            }
            Ok(Some(next))
        }
    }
}

/// Returns `url` with `value` as its one parameter `name`.
fn with(url: &Url, name: &str, value: &str) -> Url {
    let mut with = url.clone();
    let others = url.query_pairs().filter(|(key, _)| key != name);
    with.query_pairs_mut().clear().extend_pairs(others).append_pair(name, value);
    with
}

/// Returns where the links with the relation `next` in a header's text lead to.
fn targets(header: &str) -> impl Iterator<Item = &str> {
    // A comma divides links; those within `<…>` do not.
    header.split('<').skip(1).filter_map(|link| {
        let (target, parameters) = link.split_once('>')?;
        let is_next = parameters.split([';', ',']).any(|parameter| {
            let Some((name, value)) = parameter.split_once('=') else { return false };
            let mut relations = value.trim().trim_matches('"').split_ascii_whitespace();
            name.trim().eq_ignore_ascii_case("rel")
                && relations.any(|relation| relation.eq_ignore_ascii_case("next"))
        });
        is_next.then_some(target.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::Validators;
    use crate::http::header::{HeaderMap, HeaderName};

    fn page(name: &'static str, value: &str) -> Document {
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::from_static(name), value.parse().unwrap());
        Document {
            bytes: b"{}".to_vec(),
            validators: Validators::default(),
            content_type: None,
            address: "https://a.example/x".to_owned(),
            url: Url::parse("https://a.example/x?limit=9").unwrap(),
            headers,
        }
    }

    #[test]
    fn the_next_page_is_where_the_last_one_says() {
        let cursor = Paging::Cursor { header: "Next-Page-Cursor", parameter: "cursor" };
        let cases = [
            (Paging::Whole, "link", "</y>; rel=next", Ok(None)),
            (Paging::Link, "link", "</y?p=2>; rel=\"next\"", Ok(Some("https://a.example/y?p=2"))),
            (
                Paging::Link,
                "link",
                "<?p=0>; rel=prev, <?p=2,3>; title=\"a\"; rel=\"last NEXT\"",
                Ok(Some("https://a.example/x?p=2,3")),
            ),
            (Paging::Link, "link", "</y>; rel=nextish", Ok(None)),
            (Paging::Link, "etag", "x", Ok(None)),
            (Paging::Link, "link", "<https://b.example/y>; rel=next", Err("another server")),
            (Paging::Link, "link", "<http://a.example/y>; rel=next", Err("another server")),
            (
                cursor,
                "next-page-cursor",
                "a&b=",
                Ok(Some("https://a.example/x?limit=9&cursor=a%26b%3D")),
            ),
            (cursor, "next-page-cursor", "", Ok(None)),
            (cursor, "etag", "x", Ok(None)),
        ];
        for (paging, name, value, expected) in cases {
            let asked = Url::parse("https://a.example/x?limit=9&cursor=old").unwrap();
            match (next(paging, &asked, &page(name, value)), expected) {
                (Ok(found), Ok(expected)) => {
                    assert_eq!(found.as_ref().map(Url::as_str), expected, "case: {value}");
                }
                (Err(error), Err(expected)) => {
                    assert!(error.to_string().contains(expected), "case: {value}: {error}");
                }
                (found, _) => panic!("case: {value}: {found:?}"),
            }
        }
    }
}
