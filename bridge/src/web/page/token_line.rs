//! A token as a table shows it.

use crate::store::api_token::ApiToken;
use crate::web::visible::Visible;
use crate::web::when::{Teller, When};

/// A token in a table.
#[derive(Debug)]
pub(super) struct TokenLine {
    pub(super) id: String,
    pub(super) label: String,
    pub(super) scopes: String,
    pub(super) created: When,
    pub(super) expires: When,
    pub(super) used: Option<When>,
    /// Whether it is neither over nor revoked.
    pub(super) is_valid: bool,
    pub(super) is_revoked: bool,
}

impl TokenLine {
    /// Returns `token` as tables show it.
    pub(super) fn of(teller: &Teller, token: &ApiToken) -> Self {
        let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.word()).collect();
        Self {
            id: token.id.clone(),
            label: Visible(&token.label).to_string(),
            scopes: scopes.join(", "),
            created: teller.when(token.created_at),
            expires: teller.when(token.expires_at),
            used: token.last_used_at.map(|at| teller.when(at)),
            is_valid: token.is_valid(teller.now),
            is_revoked: token.revoked_at.is_some(),
        }
    }
}
