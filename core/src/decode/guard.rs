//! What every JSON payload must keep to before it is parsed.

use super::{DecodeError, PAYLOAD_MAX};

/// How deep objects and lists may stand in one another.
pub(super) const DEPTH_MAX: usize = 32;

/// Returns `payload` as text if its size, encoding and depth are within bounds.
pub(super) fn text(payload: &[u8]) -> Result<&str, DecodeError> {
    if PAYLOAD_MAX < payload.len() {
        return Err(DecodeError::TooLarge(payload.len()));
    }
    let text =
        std::str::from_utf8(payload).map_err(|error| DecodeError::NotUtf8(error.valid_up_to()))?;
    if is_too_deep(payload) { Err(DecodeError::TooDeep) } else { Ok(text) }
}

fn is_too_deep(payload: &[u8]) -> bool {
    // Nearly every payload has few brackets, and counting them is one quick pass.
    let opening = payload.iter().filter(|byte| matches!(byte, b'{' | b'[')).count();
    DEPTH_MAX < opening && DEPTH_MAX < depth(payload)
}

fn depth(payload: &[u8]) -> usize {
    let (mut deepest, mut depth, mut in_text, mut escaped) = (0, 0_usize, false, false);
    for byte in payload {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_depth_outside_of_texts_only() {
        let brackets = r#"{"a":"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"[[[["}"#;
        assert!(text(brackets.as_bytes()).is_ok());
        let wide = format!("[{}[]]", "[],".repeat(500));
        assert!(text(wide.as_bytes()).is_ok());
        let at_limit = format!("{}{}", "[".repeat(32), "]".repeat(32));
        assert!(text(at_limit.as_bytes()).is_ok());
        let beyond = format!("{}{}", "[".repeat(33), "]".repeat(33));
        assert_eq!(text(beyond.as_bytes()), Err(DecodeError::TooDeep));
    }
}
