// Entry of dist/format.js.
export { format } from '../../editor/format';
