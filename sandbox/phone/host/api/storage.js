/** wx.getStorage and its kin. */

export function storage(phone) {
  const kept = phone.storage;
  const read = (key) => {
    if (!kept.has(key)) throw new Error("data not found");
    return { data: kept.get(key) };
  };
  const info = () => ({ keys: kept.keys(), currentSize: Math.ceil(kept.size() / 1024), limitSize: 10240 });
  return {
    asynchronous: {
      getStorage: ({ key }) => read(key),
      setStorage: ({ key, data }) => kept.set(key, data),
      removeStorage: ({ key }) => kept.remove(key),
      clearStorage: () => kept.clear(),
      getStorageInfo: info,
    },
    plain: {
      getStorageSync: (key) => kept.get(key), setStorageSync: (key, data) => kept.set(key, data), removeStorageSync: (key) => kept.remove(key),
      clearStorageSync: () => kept.clear(), getStorageInfoSync: info,
    },
  };
}
