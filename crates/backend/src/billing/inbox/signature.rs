//! Whether a webhook is Stripe's.

use secrecy::{ExposeSecret, SecretString};
use stripe_webhook::{Webhook, WebhookError};

/// Why a body is no webhook of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadWebhook {
    /// No signature, or one by none of our secrets. Is the body as it came, byte for byte?
    #[error("no signature of this body by a secret of ours")]
    Signature,
    /// Signed, but more than 5 minutes ago or ahead: somebody may be sending an old one again.
    #[error("the signature is too old, or of the future")]
    TooOld,
    /// Signed, and no event.
    #[error("no event of Stripe's")]
    NoEvent,
}

/// The body as text, if any of the secrets signed it at about `now_ms`. What async-stripe's types make of the payload does
/// not matter here: a field that they do not know is no forgery.
pub(super) fn verify<'a>(
    body: &'a [u8],
    signature: &str,
    secrets: &[SecretString],
    now_ms: i64,
) -> Result<&'a str, BadWebhook> {
    let payload = std::str::from_utf8(body).map_err(|_| BadWebhook::NoEvent)?;
    let mut found = BadWebhook::Signature;
    for secret in secrets {
        let checked = Webhook::construct_event_with_timestamp(
            payload,
            signature,
            secret.expose_secret(),
            now_ms.div_euclid(1000),
        );
        match checked {
            Ok(_) | Err(WebhookError::BadParse(_)) => return Ok(payload),
            Err(WebhookError::BadTimestamp(_)) => found = BadWebhook::TooOld,
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
    fn any_of_our_secrets_will_do_and_nothing_else() {
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
            ("of two signatures the second", known, rolled, Ok(known)),
            (
                "not JSON at all, but signed",
                "?",
                signed("?", "whsec_new", 0),
                Ok("?"),
            ),
            (
                "another body",
                "{}",
                signed(known, "whsec_new", 0),
                Err(BadWebhook::Signature),
            ),
            (
                "another secret",
                known,
                signed(known, "whsec_other", 0),
                Err(BadWebhook::Signature),
            ),
            ("none", known, String::new(), Err(BadWebhook::Signature)),
            ("no time", known, "v1=00".into(), Err(BadWebhook::Signature)),
            ("junk", known, "t=x,v1=zz".into(), Err(BadWebhook::Signature)),
            (
                "too old",
                known,
                signed(known, "whsec_old", 301),
                Err(BadWebhook::TooOld),
            ),
            (
                "of the future",
                known,
                signed(known, "whsec_new", -301),
                Err(BadWebhook::TooOld),
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
            Err(BadWebhook::NoEvent)
        );
    }
}
