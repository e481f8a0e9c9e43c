"""Events posted to systems that can't keep a socket open, as Standard Webhooks (standardwebhooks.com) describes it."""
