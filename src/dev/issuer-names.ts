/** How grants and events call the development issuer. */
export const DEV_ISSUER_NAME = 'dev';

/** The audience of the development issuer's tokens unless told. */
export const DEV_AUDIENCE = 'urn:leasegate:dev';

/** The public client that people log in with. */
export const DEV_CLIENT_ID = 'leasegate-cli';
