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

    mod fuzz {
        use super::*;

        const SECRETS: [&str; 2] = ["whsec_new", "whsec_old"];
        const TOKENS: [&str; 10] = ["t=", ",t=1", "v1=", ",v1=00", "v0=", ",", "=", "\n", "-", " "];

        /// Whether the header has the signature of this body, with a time of the last or next 5 minutes.
        fn is_signed(body: &str, header: &str) -> bool {
            let values = |key: &'static str| header.split(',').filter_map(move |part| part.strip_prefix(key));
            values("t=")
                .filter_map(|time| time.parse::<i64>().ok())
                .any(|time| {
                    (NOW_MS / 1000).abs_diff(time) <= 300
                        && SECRETS.iter().any(|secret| {
                            let header = Webhook::generate_test_header(body, secret, Some(time));
                            let expected = header.split_once("v1=").unwrap().1.to_owned();
                            values("v1=").any(|found| found.eq_ignore_ascii_case(&expected))
                        })
                })
        }

        #[test]
        fn webhook_signatures() {
            let body = r#"{"id":"evt_1","type":"invoice.paid","created":1,"data":{"object":{"id":"in_1"}}}"#;
            let old = signed(body, "whsec_old", 299);
            let corpus = [
                format!("{}\n{body}", signed(body, "whsec_new", 0)),
                format!("{old},v1={},v0=1\n{body}", "0".repeat(64)),
                format!("{}\n{body}", signed(body, "whsec_other", 0)),
                format!("{}\n{body}", signed(body, "whsec_new", 301)),
                format!("{}\n", signed("", "whsec_new", 0)),
            ];
            let secrets = SECRETS.map(SecretString::from);
            fuzzing::fuzz("webhook_signatures", &TOKENS, &corpus, |input| {
                let text = String::from_utf8_lossy(input);
                let (header, body) = text.split_once('\n').unwrap_or((&text, ""));
                let verified = verify(body.as_bytes(), header, &secrets, NOW_MS);
                assert!(verified.is_err() || (verified == Ok(body) && is_signed(body, header)));
                verified.is_ok()
            });
        }
    }
}
