//! Names of users: what a person types to log in.

/// The longest name, in bytes.
pub(crate) const MAX_LEN: usize = 64;

/// Why a text cannot name a user.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NameError {
    /// Empty, or too long.
    #[error("a user name has 1 to {MAX_LEN} characters; this one has {0}")]
    Length(usize),
    /// A character with a meaning elsewhere, such as the ':' of pools.
    #[error("a user name may not contain {0:?}; use letters, digits, '.', '_', '-' or '@'")]
    Character(char),
    /// The name of the program itself, which the trail of changes has.
    #[error("'{PROGRAM}' is the program's own name; use another one")]
    Program,
}

/// Who does what no person does, as the trail of changes has it.
const PROGRAM: &str = "upturn";

/// Checks whether `name` can name a user.
pub(crate) fn check(name: &str) -> Result<(), NameError> {
    if name.is_empty() || MAX_LEN < name.len() {
        return Err(NameError::Length(name.chars().count()));
    }
    if name.eq_ignore_ascii_case(PROGRAM) {
        return Err(NameError::Program);
    }
    match name.chars().find(|c| !c.is_ascii_alphanumeric() && !"._-@".contains(*c)) {
        Some(found) => Err(NameError::Character(found)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_names_that_mean_something_elsewhere() {
        let cases = [
            ("li.wei", Ok(())),
            ("anna@example.org", Ok(())),
            ("", Err(NameError::Length(0))),
            ("pool:advisors", Err(NameError::Character(':'))),
            ("a b", Err(NameError::Character(' '))),
            ("Upturn", Err(NameError::Program)),
        ];
        for (name, expected) in cases {
            assert_eq!(check(name), expected, "case: {name:?}");
        }
        assert_eq!(check(&"x".repeat(65)), Err(NameError::Length(65)));
    }
}
