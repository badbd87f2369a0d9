//! Where things are told of: paths of pages, whose last part is an id that another system may have made.

/// Returns the path of the page of `id` in `section`. What an address gives a meaning, as `/` or `?`, is
/// written in percent signs.
pub(crate) fn page(section: &str, id: &str) -> String {
    let Ok(segment) = askama::filters::urlencode_strict(id);
    format!("/{section}/{segment}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_one_part_of_the_path_whatever_it_holds() {
        let cases = [
            ("D-1_a.b", "/deals/D-1_a.b"),
            ("2025/17", "/deals/2025%2F17"),
            ("a?b#c", "/deals/a%3Fb%23c"),
            ("a b%", "/deals/a%20b%25"),
        ];
        for (id, expected) in cases {
            assert_eq!(page("deals", id), expected);
        }
    }
}
