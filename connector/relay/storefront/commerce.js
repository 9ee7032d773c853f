/**
 * All elements: <script type="module" src=".../commerce.js"></script>. Nothing to build.
 *
 * The checkout is loaded where a page has one. A page that adds one later imports checkout.js.
 */

import './article.js';
import './cart.js';

export { page } from './page.js';

if (document.querySelector('commerce-checkout')) import('./checkout.js');
