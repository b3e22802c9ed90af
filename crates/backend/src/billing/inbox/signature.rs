//! Verifies the signature of a webhook.

use secrecy::{ExposeSecret, SecretString};
use stripe_webhook::{Webhook, WebhookError};

/// Why a request is not a valid webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidWebhookError {
    /// The signature is missing or matches none of the secrets. A changed body has the same effect.
    #[error("the signature does not match any webhook secret")]
    Signature,
    /// The signature is more than 5 minutes old or ahead: possibly a replayed request.
    #[error("the signature is more than 5 minutes old or ahead")]
    Timestamp,
    /// The signed body is not an event.
    #[error("the body is not a Stripe event")]
    NotAnEvent,
}

/// Returns the body as text if one of the secrets signed it within 5 minutes of `now_ms`. Whether async-stripe can
/// parse the payload does not matter, because unknown fields are not an error.
pub(super) fn verify<'a>(
    body: &'a [u8],
    signature: &str,
    secrets: &[SecretString],
    now_ms: i64,
) -> Result<&'a str, InvalidWebhookError> {
    let payload = std::str::from_utf8(body).map_err(|_| InvalidWebhookError::NotAnEvent)?;
    let mut found = InvalidWebhookError::Signature;
    for secret in secrets {
        let checked = Webhook::construct_event_with_timestamp(
            payload,
            signature,
            secret.expose_secret(),
            now_ms.div_euclid(1000),
        );
        match checked {
            Ok(_) | Err(WebhookError::BadParse(_)) => return Ok(payload),
            Err(WebhookError::BadTimestamp(_)) => found = InvalidWebhookError::Timestamp,
            Err(WebhookError::BadSignature | WebhookError::BadKey | WebhookError::BadHeader(_)) => {}
        }
    }
    Err(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: i64 = 1_795_000_000_000;

    fn signed(payload: &str, secret: &str, seconds_ago: i64) -> String {
        Webhook::generate_test_header(payload, secret, Some(NOW_MS / 1000 - seconds_ago))
    }

    #[test]
    fn a_signature_of_any_secret_is_accepted() {
        let secrets: Vec<SecretString> = vec!["whsec_new".into(), "whsec_old".into()];
        let known = r#"{"id":"evt_1","type":"invoice.paid","created":1,"data":{"object":{"id":"in_1"}}}"#;
        let rolled = format!(
            "{},{}",
            signed(known, "whsec_other", 0),
            signed(known, "whsec_old", 0).split_once(',').unwrap().1
        );
        let rows = [
            ("new", known, signed(known, "whsec_new", 0), Ok(known)),
            ("old", known, signed(known, "whsec_old", 299), Ok(known)),
            ("the second of two signatures", known, rolled, Ok(known)),
            ("signed but not JSON", "?", signed("?", "whsec_new", 0), Ok("?")),
            (
                "another body",
                "{}",
                signed(known, "whsec_new", 0),
                Err(InvalidWebhookError::Signature),
            ),
            (
                "another secret",
                known,
                signed(known, "whsec_other", 0),
                Err(InvalidWebhookError::Signature),
            ),
            ("none", known, String::new(), Err(InvalidWebhookError::Signature)),
            (
                "no time",
                known,
                "v1=00".into(),
                Err(InvalidWebhookError::Signature),
            ),
            (
                "junk",
                known,
                "t=x,v1=zz".into(),
                Err(InvalidWebhookError::Signature),
            ),
            (
                "too old",
                known,
                signed(known, "whsec_old", 301),
                Err(InvalidWebhookError::Timestamp),
            ),
            (
                "ahead",
                known,
                signed(known, "whsec_new", -301),
                Err(InvalidWebhookError::Timestamp),
            ),
        ];
        for (why, payload, header, expected) in rows {
            assert_eq!(
                verify(payload.as_bytes(), &header, &secrets, NOW_MS),
                expected,
                "{why}"
            );
        }
        assert_eq!(
            verify(b"\xff", "t=1,v1=00", &secrets, NOW_MS),
            Err(InvalidWebhookError::NotAnEvent)
        );
    }
}
