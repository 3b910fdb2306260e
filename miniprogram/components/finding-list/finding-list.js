/** One sentence a finding, each with its small drawing. */

Component({
  properties: {
    findings: { type: Array, value: /** @type {any[]} */ ([]) },
  },
});
