Component({
  properties: { title: String, count: Number },
  methods: {
    onTap() { this.triggerEvent('more', { count: this.data.count + 1 }); },
  },
});
