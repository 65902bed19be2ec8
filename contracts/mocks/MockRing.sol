// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title MockRing
/// @notice Keeps whatever chained hashes it is given, where a settlement keeps its own. For tests only.
contract MockRing {
    mapping(uint32 interval => bytes26 chain) private _intervals;
    mapping(uint32 id => mapping(uint8 stream => bytes27 chain)) private _streams;

    function setInterval(uint32 interval, bytes26 chain) external {
        _intervals[interval] = chain;
    }

    function setStream(uint32 id, uint8 stream, bytes27 chain) external {
        _streams[id][stream] = chain;
    }

    function intervalChain(uint32 interval) external view returns (bytes26 chain, uint16 count) {
        return (_intervals[interval], 1);
    }

    function streamRecord(uint32 id, uint8 stream) external view returns (bytes27 chain, uint32 time) {
        return (_streams[id][stream], 1);
    }
}
